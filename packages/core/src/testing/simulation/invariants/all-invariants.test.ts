import { describe, expect, it } from "vitest";
import { attemptIdOf } from "../../../machine/attempt-id.ts";
import type { Machine } from "../../../machine/machine.ts";
import type { Stack } from "../../../machine/stack.ts";
import { createMemoryStore } from "../../../memory/memory-store.ts";
import type { Change, HistoryEntry } from "../../../ports/stack-store.ts";
import type { Store } from "../../../ports/store.ts";
import { aMachineV2 } from "../../builders.ts";
import {
  aChange,
  aClaim,
  aDeadLetter,
  aDispatch,
  aHistoryEntry,
  anAuditEntry,
  aParkedEvent,
  aPut,
  aQueuedEvent,
  aSettle,
  commitNow,
  grantNow,
  HOUR,
  MINUTE,
  SECOND,
  T0,
} from "../../store-conformance/store-builders.ts";
import { ALL_INVARIANTS } from "./all-invariants.ts";
import { startsHeld } from "./attempt-invariants.ts";
import type { StartedCall } from "./invariant.ts";
import { leavingWaits, oneReaction, retriesBounded, visitsCounted } from "./stack-invariants.ts";
import { watchStore } from "./watch-store.ts";

interface Driven {
  readonly store: Store;
  /** Replaces what the store does from now on. */
  breakStore(broken: Partial<Store>): void;
}

/** What is found wrong after a store was driven so: `invariant: sentence`. */
async function findAfter(
  drive: (driven: Driven) => Promise<unknown>,
  { atRest = false }: { readonly atRest?: boolean } = {},
): Promise<readonly string[]> {
  const store: Store = { ...createMemoryStore() };
  const watch = watchStore(store, ALL_INVARIANTS);
  await drive({ store: watch.store, breakStore: (broken) => void Object.assign(store, broken) });
  if (atRest) await watch.checkRest();
  return watch.violations.map(({ invariant, sentence }) => `${invariant}: ${sentence}`);
}

const A1 = "s1/created/1/plan/1";
const run = { attemptId: A1, entry: 1, task: "plan", attempt: 1, dispatchedAt: T0 };
const up = aHistoryEntry("e1", { to: "UP" });
const again = (id: string, line: Partial<HistoryEntry> = {}) => aHistoryEntry(id, { from: "UP", to: "UP", ...line });
const INTERNAL = { internal: true } as const;
const dispatched = aPut({ runs: [run] }, { history: [up], dispatches: [aDispatch(A1)] });

describe("the audit log", () => {
  const cancelled = aHistoryEntry("e1", { event: "CANCEL_TASK" });
  const entry = anAuditEntry("01A");

  it.each([
    ["an entry of an applied operator's event", [cancelled], [entry], []],
    [
      "no entry",
      [cancelled],
      [],
      ["audited-once: s1: e1 (CANCEL_TASK) was applied, and has 0 lines in the audit log."],
    ],
    [
      "two entries",
      [cancelled],
      [entry, anAuditEntry("01B")],
      ["audited-once: s1: e1 (CANCEL_TASK) was applied, and has 2 lines in the audit log."],
    ],
    [
      "an entry of a refused event that says it was applied",
      [{ ...cancelled, outcome: "refused" as const }],
      [entry],
      ["audited-once: s1: e1 was not applied, and the audit log says that it was."],
    ],
    [
      "an entry that says so of a refused event",
      [{ ...cancelled, outcome: "refused" as const }],
      [anAuditEntry("01A", { outcome: "failed" })],
      [],
    ],
    ["no entry of another event", [aHistoryEntry("e1")], [], []],
  ])("is checked with %s", async (_what, history, audit, expected) => {
    const drive = async ({ store }: Driven) =>
      commitNow(store, aPut({ state: "UP" }, { history: history.map((line) => ({ ...line, to: "UP" })), audit }));

    const found = await findAfter(drive, { atRest: true });

    expect(found.filter((text) => text.startsWith("audited-once"))).toEqual(expected);
  });
});

describe("the invariants", () => {
  it("hold where nothing is wrong", async () => {
    const found = await findAfter(
      async ({ store }) => {
        await store.enqueue([aQueuedEvent("e1"), aQueuedEvent("e2")]);
        const events = await store.takeDue({ kinds: ["event"], now: T0, limit: 9, leaseMs: MINUTE });
        const receipts = events.flatMap((item) => ("receipt" in item ? [item.receipt] : []));
        await commitNow(store, { ...dispatched, history: [up, again("e2")], receipts });
        const grant = await grantNow(store, A1, { exclusiveKeys: ["key:a"] });
        await store.renew(grant, { leaseMs: MINUTE, now: T0 });
        await store.settle(grant, aSettle(A1));
        const [result] = await store.takeDue({ kinds: ["event"], now: T0, limit: 1, leaseMs: MINUTE });
        if (result?.kind !== "event") throw new Error("The result is missing.");
        const history = [again(result.event.id, INTERNAL)];
        await commitNow(store, aPut({}, { history, receipts: [result.receipt] }));
      },
      { atRest: true },
    );

    expect(found).toEqual([]);
  });

  it.each([
    ["an event that is applied twice", [up, again("e1")], ["exactly-once: s1: e1 was applied twice."]],
    [
      "events that change places",
      [aHistoryEntry("e2", { to: "UP" }), again("e1")],
      ["order: s1: e1 was worked after an event that was sent later."],
    ],
    [
      "a state that was gone",
      [up, aHistoryEntry("e2", { from: "INIT", to: "UP" })],
      ["no-lost-update: s1: e2 was applied to INIT, and it was in UP."],
    ],
    [
      "a stack that is not where its history ends",
      [aHistoryEntry("e1", { to: "DOWN" })],
      ["no-lost-update: s1: the history ends in DOWN, the stack is in UP."],
    ],
    [
      "a timer that fires twice",
      [
        up,
        aHistoryEntry("timer:l:1/after/0", { outcome: "refused", ...INTERNAL }),
        again("timer:l:1/after/0", INTERNAL),
      ],
      ["timers-once: s1: timer:l:1/after/0 has fired twice."],
    ],
  ])("find %s", async (_what, history, sentences) => {
    const found = await findAfter(async ({ store }) => {
      await store.enqueue([aQueuedEvent("e1"), aQueuedEvent("e2")]);
      await commitNow(store, aPut({}, { history }));
    });

    expect(found).toEqual(sentences);
  });

  const timer = (entry: number, line: Partial<HistoryEntry> = {}) =>
    aHistoryEntry(`timer:created:${entry}/after/0`, { from: "UP", to: "UP", timer: `${entry}/after/0`, ...line });

  it.each([
    ["of the present entry", [timer(1)], []],
    ["of the present entry that leaves it, and one of the next", [timer(1, { to: "DOWN" }), timer(2)], []],
    ["of an entry that was left before", [timer(0)], ["timer:created:0/after/0 has fired in entry 1."]],
    [
      "of an entry that was left by the line before",
      [aHistoryEntry("e2", { from: "UP", to: "DOWN" }), timer(1)],
      ["timer:created:1/after/0 has fired in entry 2."],
    ],
    ["that came to nothing", [timer(0, { outcome: "ignored" })], []],
    [
      "of the next incarnation",
      [aHistoryEntry("e2", { outcome: "removed", from: "UP" }), aHistoryEntry("e3", { to: "INIT" }), timer(0)],
      [],
    ],
  ])("know a timer %s", async (_what, history, sentences) => {
    const entry = { entry: history.some(({ to }) => to === "DOWN") ? 2 : 1 };
    const found = await findAfter(async ({ store }) => {
      await commitNow(store, aPut({}, { history: [up] }));
      await commitNow(store, aPut(entry, { history }));
    });

    expect(found.filter((what) => what.startsWith("timers-once"))).toEqual(
      sentences.map((sentence) => `timers-once: s1: ${sentence}`),
    );
  });

  it("let a parked event overtake, once it was met in its order", async () => {
    const found = await findAfter(async ({ store }) => {
      await store.enqueue([aQueuedEvent("e1"), aQueuedEvent("e2")]);
      await commitNow(store, aPut({}, { history: [aHistoryEntry("e0", { to: "UP" })] }));
      await commitNow(store, aChange({ history: [aHistoryEntry("e1", { outcome: "parked" })] }));
      await commitNow(store, aPut({}, { history: [again("e2"), again("e1")] }));
    });

    expect(found).toEqual([]);
  });

  it("begin afresh with a stack that was removed", async () => {
    const found = await findAfter(async ({ store }) => {
      await commitNow(store, aPut({}, { history: [up] }));
      const removed = aHistoryEntry("e2", { outcome: "removed", from: "UP" });
      await commitNow(store, aChange({ write: { kind: "remove" }, history: [removed] }));
      await commitNow(store, aPut({}, { history: [aHistoryEntry("e3", { to: "UP" })] }));
    });

    expect(found).toEqual([]);
  });

  it("find a write over what was not read", async () => {
    const found = await findAfter(async ({ store, breakStore }) => {
      await commitNow(store, aPut({}, { history: [up] }));
      breakStore({ commit: async (changes) => changes.map(() => ({ kind: "committed", version: 2 })) });
      await store.commit([aPut({}, { expectedVersion: 0, history: [again("e2")] })]);
    });

    expect(found).toEqual(["no-lost-update: s1: a decision on version 0 was written over version 1."]);
  });

  it("find a dispatch, and a cancel, that its commit has lost", async () => {
    const found = await findAfter(async ({ store, breakStore }) => {
      breakStore({ commit: async (changes) => changes.map(() => ({ kind: "committed", version: 1 })) });
      const cancelling = { ...run, cancelling: "requested" } as const;
      await store.commit([aPut({ runs: [run] }, { history: [up], dispatches: [aDispatch(A1)] })]);
      await store.commit([aPut({ runs: [cancelling] }, { expectedVersion: 1, history: [again("e2")] })]);
    });

    expect(found).toEqual([
      `one-commit: The dispatch of ${A1} was lost.`,
      `cancels-asked: No runner was asked to cancel ${A1}.`,
    ]);
  });

  it("find a run that was never sent, and attempts that are miscounted", async () => {
    const found = await findAfter(async ({ store }) => {
      const third = aDispatch("s1/created/1/plan/3", { attempt: 3 });
      await commitNow(store, aPut({ runs: [run] }, { history: [up], dispatches: [third] }));
    });

    expect(found).toEqual([
      `one-commit: s1 waits for ${A1}, which was never sent.`,
      "attempt-numbers: s1/created/1/plan/3 was made after attempt 0.",
    ]);
  });

  it("find a result of an earlier entry that changes the stack", async () => {
    const attempts = { plan: 1 };
    const found = await findAfter(async ({ store }) => {
      await commitNow(store, aPut({ entry: 2, attempts }, { history: [up] }));
      const late = again(`result:${A1}`, INTERNAL);
      await commitNow(store, aPut({ entry: 2, attempts, metadata: { n: 1 } }, { history: [late] }));
    });

    expect(found).toEqual([`late-results: s1: what had no effect has changed the stack: result:${A1} applied.`]);
  });

  describe("of results", () => {
    const resultOf = (attempt: number, line: Partial<HistoryEntry> = {}) =>
      again(`result:s1/created/1/plan/${attempt}`, { ...INTERNAL, ...line });
    const told = "late-results: s1: what had no effect has changed the stack: result:s1/created/1/plan/1 applied.";

    it.each([
      ["find one of an earlier attempt that changes the stack", [resultOf(2)], [resultOf(1)], [told]],
      ["let attempts be answered in their order", [resultOf(1)], [resultOf(2)], []],
      ["let an earlier one be ignored", [resultOf(2)], [resultOf(1, { outcome: "ignored" }), again("e3")], []],
      ["count no later one that was ignored", [resultOf(2, { outcome: "ignored" })], [resultOf(1)], []],
      ["let another event of the same change change it", [resultOf(2)], [resultOf(1), again("e3")], []],
      ["let the last of an entry that was left begin the present one", [resultOf(2)], [resultOf(1)], [], { entry: 2 }],
    ])("%s", async (_what, first, second, sentences, entry: Partial<Stack> = { attempts: { plan: 2 } }) => {
      const found = await findAfter(async ({ store }) => {
        await commitNow(store, aPut(entry, { history: [up] }));
        await commitNow(store, aPut(entry, { history: first }));
        await commitNow(store, aPut({ ...entry, metadata: { n: 1 } }, { history: second }));
      });

      expect(found).toEqual(sentences);
    });
  });

  it.each([
    ["let the event of a timer that moves its stack to another revision send what waits", { machineHash: "other" }, []],
    [
      "find one that changes a stack on the revision that it has",
      {},
      ["late-results: s1: what had no effect has changed the stack: timer:1 ignored."],
    ],
  ])("%s", async (_what, hash, sentences) => {
    const line = { ...INTERNAL, outcome: "ignored", code: "TIMER_STALE", timer: "1/at/a" } as const;
    const found = await findAfter(async ({ store }) => {
      await commitNow(store, aPut({}, { history: [up] }));
      const [before] = await store.load(["s1"]);
      const { machineHash = "" } = before?.stack ?? {};
      await commitNow(
        store,
        aPut({ metadata: { n: 1 } }, { history: [again("timer:1", { ...line, machineHash, ...hash })] }),
      );
    });

    expect(found).toEqual(sentences);
  });

  it("find what leaves the queue without a word", async () => {
    const found = await findAfter(async ({ store }) => {
      await store.enqueue([aQueuedEvent("e1")]);
      const items = await store.takeDue({ kinds: ["event"], now: T0, limit: 1, leaseMs: MINUTE });
      await store.release(items.flatMap((item) => ("receipt" in item ? [item.receipt] : [])));
    });

    expect(found).toEqual(["nothing-dropped: s1: e1 has left the queue without a word."]);
  });

  it.each([
    ["let what is listed be dead-lettered", [aDeadLetter("a1", { event: aQueuedEvent("e1") })], []],
    ["find the dead letters and is not listed", [], ["nothing-dropped: s1: e1 was dead-lettered and is not listed."]],
  ])("%s", async (_what, deadLetters, sentences) => {
    const history = [up, aHistoryEntry("e1", { outcome: "dead-lettered" })];

    expect(await findAfter(({ store }) => commitNow(store, aPut({}, { history, deadLetters })))).toEqual(sentences);
  });

  it.each([
    ["let what was sent again be worked", undefined, []],
    [
      "find what was sent again and is lost",
      async (ids: readonly string[]) => ids,
      ["nothing-dropped: s1: e1 was sent again and never worked."],
    ],
  ])("%s", async (_what, redrive, sentences) => {
    const deadLetters = [aDeadLetter("a1", { event: aQueuedEvent("e1") })];
    const found = await findAfter(
      async ({ store, breakStore }) => {
        await commitNow(store, aPut({}, { history: [aHistoryEntry("e1", { outcome: "dead-lettered" })], deadLetters }));
        breakStore(redrive === undefined ? {} : { queries: { ...store.queries, redrive } });
        await store.queries.redrive(["a1", "unknown"], T0);
        const items = await store.takeDue({ kinds: ["event"], now: T0, limit: 1, leaseMs: MINUTE });
        const receipts = items.flatMap((item) => ("receipt" in item ? [item.receipt] : []));
        if (items.length > 0) await commitNow(store, aPut({}, { history: [again("e1")], receipts }));
      },
      { atRest: true },
    );

    expect(found.filter((what) => what.startsWith("nothing-dropped"))).toEqual(sentences);
  });

  it.each([
    ["let an event be tried 49 times", aParkedEvent("e2", { tries: 49 }), []],
    ["find one that is tried too often", aParkedEvent("e2", { tries: 50 }), ["s1: e2 is parked after 50 tries."]],
    ["find one that is kept too long", aParkedEvent("e2", { parkedAt: T0 - HOUR }), ["s1: e2 is parked after 60 min."]],
  ])("%s", async (_what, parked, sentences) => {
    const found = await findAfter(({ store }) => commitNow(store, aChange({ park: [parked] })));

    expect(found).toEqual(sentences.map((sentence) => `nothing-dropped: ${sentence}`));
  });

  it.each([
    ["lets one end after an hour", HOUR + MINUTE, []],
    ["finds one that ends late", 2 * HOUR, ["nothing-dropped: s1: e2 was parked for 120 min."]],
  ])("%s", async (_what, keptMs, sentences) => {
    const end = { history: [aHistoryEntry("e2", { outcome: "refused" })], unpark: ["e2"], now: T0 + keptMs };
    const found = await findAfter(async ({ store }) => {
      const history = [aHistoryEntry("e2", { outcome: "parked" })];
      await commitNow(store, aChange({ park: [aParkedEvent("e2")], history }));
      await commitNow(store, aChange(end));
    });

    expect(found).toEqual(sentences);
  });

  it("find what is left at the end", async () => {
    const found = await findAfter(
      async ({ store }) => {
        await store.enqueue([aQueuedEvent("e9")]);
        const tasks = [{ name: "plan", status: "PENDING" }] as const;
        const timers = [{ id: "1/after/0", event: "X", dueAt: T0 }];
        const parked = aHistoryEntry("e2", { outcome: "parked" });
        const park = [aParkedEvent("e2")];
        await commitNow(store, aPut({ runs: [run], tasks, timers }, { history: [up, parked], park }));
      },
      { atRest: true },
    );

    expect(found).toEqual([
      `one-commit: s1 waits for ${A1}, which was never sent.`,
      "nothing-dropped: s1: e9 was never worked.",
      "nothing-dropped: s1: e2 was parked and forgotten.",
      "nothing-dropped: 1 event(s) stay in the queue.",
      "nothing-dropped: 1 event(s) stay parked.",
      `comes-to-rest: s1 waits for ${A1}, which is unknown.`,
      'comes-to-rest: s1: the task "plan" stays pending (sent).',
      "comes-to-rest: s1: the timer 1/after/0 never fires.",
    ]);
  });
});

describe("the invariants of attempts", () => {
  const granted = (token: number) => ({ attemptId: A1, owner: "w1", token });

  /** Drives a store that grants every claim. */
  function findAfterGrants(drive: (store: Store) => Promise<unknown>): Promise<readonly string[]> {
    return findAfter(async ({ store, breakStore }) => {
      let token = 0;
      breakStore({
        claim: async ({ attemptId, owner, now }) => {
          token = Math.min(token + 1, 2);
          return { kind: "granted", grant: { attemptId, owner, token }, deadlineAt: now + MINUTE, again: false };
        },
        renew: async () => ({ kind: "renewed" }),
        suspend: async () => "suspended",
        settle: async () => "settled",
        takeDue: async () => [],
      });
      await drive(store);
    });
  }

  const claim = (now: number, key?: string) =>
    aClaim(A1, { now, leaseMs: 10, exclusiveKeys: key === undefined ? [] : [key] });

  it("allow one lease after the other", async () => {
    const found = await findAfterGrants(async (store) => {
      await store.claim(claim(0, "key:k"));
      await store.renew(granted(1), { now: 10, leaseMs: 10 });
      await store.claim(claim(20, "key:k"));
      await store.settle(granted(2), aSettle(A1));
      await store.claim({ ...claim(20, "key:k"), attemptId: "s1/created/1/app/1" });
    });

    expect(found).toEqual([]);
  });

  it("find two live leases, a token that is given twice, and one that is old", async () => {
    const found = await findAfterGrants(async (store) => {
      await store.claim(claim(0));
      await store.claim(claim(9));
      await store.renew(granted(1), { now: 12, leaseMs: 10 });
      await store.claim(claim(30));
      await store.suspend(granted(1), { progress: {}, dueAt: 99, now: 31 });
      await store.settle(granted(1), aSettle(A1));
      await store.settle(granted(2), aSettle(A1));
    });

    expect(found).toEqual([
      `one-lease: ${A1} was granted while a lease on it was live.`,
      `fencing: ${A1} was renewed with token 1; the newest is 2.`,
      `fencing: ${A1} was granted with token 2 again.`,
      `fencing: ${A1} was suspended with token 1; the newest is 2.`,
      `fencing: ${A1} was settled with token 1; the newest is 2.`,
      `fencing: ${A1} was settled after its end.`,
    ]);
  });

  it("find a key that two have", async () => {
    const found = await findAfterGrants(async (store) => {
      await store.claim(claim(0, "key:k"));
      await store.claim({ ...claim(0, "key:k"), attemptId: "s1/created/1/app/1" });
    });

    expect(found).toEqual([`exclusive-keys: s1/created/1/app/1 was granted the key "key:k" that ${A1} holds.`]);
  });

  it.each([
    ["a lapsed lease", ["lapsedLease"], `handed-out: ${A1} was not handed out (lapsedLease).`],
    ["a deadline", ["deadline"], `deadlines-delivered: The deadline of ${A1} was not delivered.`],
  ] as const)("find %s that is never handed out", async (_what, kinds, sentence) => {
    const found = await findAfterGrants(async (store) => {
      await store.claim(claim(0));
      await store.takeDue({ kinds, now: 9, limit: 1, leaseMs: SECOND });
      await store.takeDue({ kinds, now: MINUTE, limit: 1, leaseMs: SECOND });
    });

    expect(found).toEqual([sentence]);
  });

  it("find a poll that is never handed out", async () => {
    const found = await findAfterGrants(async (store) => {
      await store.claim(claim(0));
      await store.suspend(granted(1), { progress: {}, dueAt: 5, now: 1 });
      await store.takeDue({ kinds: ["poll"], now: 5, limit: 1, leaseMs: SECOND });
    });

    expect(found).toEqual([`handed-out: ${A1} was not handed out (poll).`]);
  });
});

describe("starts-held", () => {
  const A1 = "s1/created/1/plan/1";

  const A2 = "s1/created/1/app/1";

  const first: StartedCall = { attemptId: A1, token: 1, idempotencyKey: "i1" };

  /** What is found wrong when these calls begin after two attempts were granted: the first one twice, with two keys. */
  async function findAfter(...calls: readonly StartedCall[]): Promise<readonly string[]> {
    const watch = watchStore(createMemoryStore(), [startsHeld]);
    const { store } = watch;
    const runs = [
      { attemptId: A1, entry: 1, task: "plan", attempt: 1, dispatchedAt: T0, exclusiveKey: "k" },
      { attemptId: A2, entry: 1, task: "app", attempt: 1, dispatchedAt: T0, exclusiveKey: "l" },
    ];
    await commitNow(store, aPut({ runs }, { dispatches: [aDispatch(A1), aDispatch(A2, { task: "app" })] }));
    for (const now of [T0, T0 + MINUTE]) {
      await store.claim(aClaim(A1, { now, exclusiveKeys: ["key:k", "work:own"] }));
    }
    await store.claim(aClaim(A2));
    for (const call of calls) await watch.noteStarted(call);
    return watch.violations.map(({ sentence }) => sentence);
  }

  it("lets each grant be used once, even when it is the newest no more", async () => {
    const own = { ...first, exclusiveKey: "work:own" };

    expect(await findAfter({ ...own, token: 2 }, own)).toEqual([]);
  });

  it("lets a process that cannot name the executor's key cancel what was never begun", async () => {
    expect(await findAfter({ ...first, cancelling: true, exclusiveKey: "work:other" })).toEqual([]);
  });

  it.each([
    [
      "work without a grant",
      [{ ...first, token: 3 }],
      `${A1} was begun with token 3, which was not granted or is spent.`,
    ],
    ["two calls with one grant", [first, first], `${A1} was begun with token 1, which was not granted or is spent.`],
    [
      "another idempotency key",
      [first, { ...first, token: 2, idempotencyKey: "i2" }],
      `${A1} was begun again with another idempotency key.`,
    ],
    [
      "the idempotency key of another attempt",
      [{ ...first, attemptId: "s1/created/1/other/1", token: 9 }, first],
      `${A1} was begun with the idempotency key of s1/created/1/other/1.`,
    ],
    [
      "a cancel without the executor's key of work that was begun",
      [first, { ...first, token: 2, cancelling: true, exclusiveKey: "work:other" }],
      `${A1} was begun without the key "work:other".`,
    ],
    ["work without its task's key", [{ ...first, attemptId: A2 }], `${A2} was begun without the key "key:l".`],
    [
      "work without its executor's key",
      [{ ...first, exclusiveKey: "work:other" }],
      `${A1} was begun without the key "work:other".`,
    ],
  ])("finds %s", async (_what, calls, sentence) => {
    expect((await findAfter(...calls)).at(-1)).toBe(sentence);
  });
});

describe("the invariants of version 2", () => {
  const INVARIANTS = [leavingWaits, retriesBounded, oneReaction, visitsCounted];

  type Step = readonly [stack: Partial<Stack>, change?: Partial<Change>];

  /** What is found wrong when a stack of that machine is written so, step by step. */
  async function findAfter(machine: Machine, ...steps: readonly Step[]): Promise<readonly string[]> {
    const findMachine = (hash: string) => (hash === machine.hash ? machine : undefined);
    const watch = watchStore(createMemoryStore(), INVARIANTS, { findMachine });
    for (const [stack, change] of steps) {
      await commitNow(watch.store, aPut({ machineHash: machine.hash, state: "UP", ...stack }, change));
    }
    return watch.violations.map(({ invariant, sentence }) => `${invariant}: ${sentence}`);
  }

  const idOf = (entry: number, attempt = 1) =>
    attemptIdOf({ stackId: "s1", incarnation: "created", entry, task: "plan", attempt });

  const dispatch = (entry: number, attempt = 1) => aDispatch(idOf(entry, attempt), { entry, attempt });

  const result = (entry: number) => aHistoryEntry(`result:${idOf(entry)}`, { from: "UP", to: "UP", internal: true });

  describe("leaving-waits", () => {
    const waiting = aMachineV2({ UP: { tasks: ["plan"], leaving: "wait" } });

    it("finds a task that is sent while a run of an earlier entry is alive", async () => {
      const found = await findAfter(
        waiting,
        [{ entry: 1 }, { dispatches: [dispatch(1)] }],
        [{ entry: 2 }, { dispatches: [dispatch(2)] }],
      );

      expect(found).toEqual([`leaving-waits: ${idOf(2)} was sent while ${idOf(1)} was alive.`]);
    });

    it.each([
      ["has ended with the same commit", waiting, { endedAttempts: [idOf(1)] }],
      ["is abandoned", aMachineV2({ UP: { tasks: ["plan"], leaving: "abandon" } }), {}],
    ])("lets a task be sent when the earlier run %s", async (_what, machine, change) => {
      const found = await findAfter(
        machine,
        [{ entry: 1 }, { dispatches: [dispatch(1)] }],
        [{ entry: 2 }, { ...change, dispatches: [dispatch(2)] }],
      );

      expect(found).toEqual([]);
    });

    it("lets an entry that has begun continue", async () => {
      const app = aDispatch("s1/created/2/app/1", { entry: 2, task: "app" });

      const found = await findAfter(
        waiting,
        [{ entry: 1 }, { dispatches: [dispatch(1)], endedAttempts: [idOf(1)] }],
        [{ entry: 2, attempts: { plan: 1 } }, { dispatches: [dispatch(2)] }],
        [{ entry: 2, attempts: { plan: 1, app: 1 } }, { dispatches: [app] }],
      );

      expect(found).toEqual([]);
    });
  });

  it("leaving-waits knows one incarnation of a stack from the next within a change", async () => {
    const waiting = aMachineV2({ UP: { tasks: ["plan"], leaving: "wait" } });
    const old = [{ entry: 1 }, { dispatches: [dispatch(1)] }] as const;

    const found = await findAfter(waiting, old, [{ entry: 2, incarnation: "next" }, { dispatches: [dispatch(2)] }]);

    expect(found).toEqual([]);
  });

  describe("retries-bounded", () => {
    const retrying = aMachineV2(
      { UP: { tasks: ["plan"] } },
      { tasks: { plan: { retry: { attempts: 2, fromMs: 1, toMs: 1, factor: 1 } } } },
    );

    it("finds an attempt more than the policy allows", async () => {
      const found = await findAfter(
        retrying,
        ...[1, 2, 3].map((attempt): Step => [{}, { dispatches: [dispatch(1, attempt)] }]),
      );

      expect(found).toEqual([`retries-bounded: ${idOf(1, 3)} was made; 2 were allowed.`]);
    });

    it("lets a stack have what an earlier revision has promised", async () => {
      const stricter = { machineHash: "stricter" };

      const found = await findAfter(
        retrying,
        [{}, { dispatches: [dispatch(1)] }],
        [stricter],
        [stricter, { dispatches: [dispatch(1, 2)] }],
      );

      expect(found).toEqual([]);
    });

    const byHand = (event: string, line: Partial<HistoryEntry> = {}) => [
      aHistoryEntry("e9", { event, from: "UP", to: "UP", ...line }),
    ];

    it("lets the count begin again with each retry by hand", async () => {
      const history = byHand("RETRY_FAILED_TASKS");

      const found = await findAfter(
        retrying,
        [{}, { dispatches: [dispatch(1)] }],
        [{}, { dispatches: [dispatch(1, 2)] }],
        [{}, { dispatches: [dispatch(1, 3)], history }],
        [{}, { dispatches: [dispatch(1, 4)] }],
      );

      expect(found).toEqual([]);
    });

    it("lets a retry of what is pending make one attempt", async () => {
      const history = byHand("RETRY_PENDING_TASKS");

      const found = await findAfter(
        retrying,
        [{}, { dispatches: [dispatch(1), dispatch(1, 2)] }],
        [{}, { dispatches: [dispatch(1, 3)], history }],
        [{}, { dispatches: [dispatch(1, 4)] }],
      );

      expect(found).toEqual([`retries-bounded: ${idOf(1, 4)} was made; 3 were allowed.`]);
    });

    it.each([
      ["another entry", {}, { entry: 2 }],
      ["another incarnation", {}, { incarnation: "next" }],
      ["another task", { task: "app" }, {}],
    ])(
      "counts no retry by hand of %s",
      async (_what, line, next: { readonly entry?: number; readonly incarnation?: string }) => {
        const history = byHand("RETRY_FAILED_TASKS", line);
        const { entry = 1, incarnation = "created" } = next;
        const id = attemptIdOf({ stackId: "s1", incarnation, entry, task: "plan", attempt: 3 });

        const found = await findAfter(
          retrying,
          [{}, { dispatches: [dispatch(1)], history }],
          [next, { dispatches: [aDispatch(id, { entry, incarnation, attempt: 3 })] }],
        );

        expect(found.filter((what) => what.startsWith("retries-bounded"))).toEqual([
          `retries-bounded: ${id} was made; 2 were allowed.`,
        ]);
      },
    );
  });

  describe("one-reaction", () => {
    const next = aMachineV2({ UP: { tasks: ["plan"], on: { NEXT: ["UP"] } } });

    it("finds an answer that makes two entries", async () => {
      const found = await findAfter(next, [{ entry: 1 }], [{ entry: 3 }, { history: [result(1)] }]);

      expect(found).toEqual([`one-reaction: s1: result:${idOf(1)} has made 2 entries; 1 at most.`]);
    });

    it("lets an answer make one, and several answers several", async () => {
      const found = await findAfter(
        next,
        [{ entry: 1 }],
        [{ entry: 2 }, { history: [result(1)] }],
        [{ entry: 4 }, { history: [result(2), result(3)] }],
      );

      expect(found).toEqual([]);
    });
  });

  describe("visits-counted", () => {
    const machine = aMachineV2({ UP: {} });

    it.each([
      ["a visit that is not counted", { entry: 2, visits: { INIT: 1, UP: 1 } }, {}, "s1 counts 2 visits in entry 2."],
      ["an entry that is gone back to", { entry: 0 }, {}, "s1 went back from entry 1 to 0."],
      ["a task of a later entry", { entry: 1 }, { dispatches: [dispatch(2)] }, "s1 has sent tasks of a later entry."],
    ])("finds %s", async (_what, stack, change, sentence) => {
      expect(await findAfter(machine, [{ entry: 1 }], [stack, change])).toEqual([`visits-counted: ${sentence}`]);
    });

    it("lets entries be counted", async () => {
      const found = await findAfter(machine, [{ entry: 1 }], [{ entry: 2, visits: { INIT: 1, UP: 2 } }]);

      expect(found).toEqual([]);
    });
  });
});
