import type { Store } from "@stackyard/core";
import {
  aChange,
  aDeadLetter,
  aDispatch,
  aHistoryEntry,
  anAuditEntry,
  aParkedEvent,
  aPut,
  aQueuedEvent,
} from "@stackyard/core/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDyingClient } from "./testing/failing-client.ts";
import { commitNow, grantNow, HOUR, MINUTE, T0, take } from "./testing/store-work.ts";
import { startTestTables, type TestTables } from "./testing/test-tables.ts";

let tables: TestTables;
beforeAll(async () => {
  tables = await startTestTables();
});
afterAll(() => tables.stop());

/** One call of the port, the state before it, and what the caller does next when it gets no answer. */
interface Scenario {
  readonly name: string;
  readonly options?: { readonly tags: string };
  prepare(store: Store): Promise<unknown>;
  act(store: Store): Promise<unknown>;
}

const keyed = ["key:db"];

const scenarios: readonly Scenario[] = [
  {
    name: "the first commit of a stack",
    async prepare(store) {
      await store.enqueue([aQueuedEvent("e1"), aQueuedEvent("e2")]);
      await take(store, ["event"]);
    },
    act: (store) =>
      commitAll(store, {
        write: aPut({ timers: [{ id: "t", event: "TICK", dueAt: T0 + HOUR }] }).write,
        appliedIds: ["e1"],
        history: [aHistoryEntry("e1"), aHistoryEntry("e1", { outcome: "refused" })],
        dispatches: [aDispatch("a1"), aDispatch("a2")],
        deadLetters: [aDeadLetter("x1")],
        park: [aParkedEvent("p1")],
        audit: [anAuditEntry("01A"), anAuditEntry("01B")],
      }),
  },
  {
    name: "a commit for a stack that is not there",
    prepare: async () => undefined,
    act: (store) =>
      commitAll(store, { history: [aHistoryEntry("e1")], deadLetters: [aDeadLetter("x1")], appliedIds: ["e1"] }),
  },
  {
    name: "a commit that begins a stack where events are parked",
    prepare: (store) => commitNow(store, aChange({ park: [aParkedEvent("p1"), aParkedEvent("p2")] })),
    act: (store) =>
      commitAll(store, { write: aPut().write, appliedIds: ["p1"], unpark: ["p1"], history: [aHistoryEntry("p1")] }),
  },
  {
    name: "the removal of a stack",
    async prepare(store) {
      await commitNow(store, aPut({}, { appliedIds: ["e1"], dispatches: [aDispatch("a1"), aDispatch("a2")] }));
      await commitNow(store, aChange({ park: [aParkedEvent("p1")] }));
      await grantNow(store, "a1", keyed);
      await store.claim({ attemptId: "a2", owner: "w2", leaseMs: MINUTE, exclusiveKeys: keyed, now: T0 });
    },
    act: (store) =>
      commitAll(store, {
        write: { kind: "remove" },
        appliedIds: ["e2"],
        endedAttempts: ["a1"],
        history: [aHistoryEntry("e2", { outcome: "removed" })],
      }),
  },
  {
    name: "a commit that cancels, endedAttempts and sends again",
    prepare: (store) =>
      commitNow(store, aPut({}, { dispatches: ["a1", "a2", "a3"].map((id) => aDispatch(id)), appliedIds: ["e1"] })),
    act: (store) =>
      commitAll(store, {
        appliedIds: ["e2"],
        cancels: [{ attemptId: "a1", withinMs: MINUTE, why: "requested", unclaimedAtOnce: true }],
        endedAttempts: ["a2"],
        dispatches: [aDispatch("a3", { again: true })],
      }),
  },
  {
    name: "the end of an attempt that others wait for",
    options: { tags: "promise" },
    async prepare(store) {
      await commitNow(store, aPut({}, { dispatches: ["a1", "a2", "a3"].map((id) => aDispatch(id)) }));
      await grantNow(store, "a1", keyed);
      for (const attemptId of ["a3", "a2"])
        await store.claim({ attemptId, owner: "w2", leaseMs: MINUTE, exclusiveKeys: keyed, now: T0 });
    },
    act: async (store) => {
      const grant = { attemptId: "a1", owner: "w1", token: 1 };
      const followUps = [{ event: aQueuedEvent("f1", { stackId: "run-1" }), notBefore: T0 + MINUTE }];
      await store.settle(grant, {
        outcome: "succeeded",
        event: aQueuedEvent("r1", { origin: "worker" }),
        followUps,
        now: T0,
      });
    },
  },
  {
    name: "sending events again",
    prepare: (store) => commitNow(store, aPut({}, { deadLetters: [aDeadLetter("x1"), aDeadLetter("x2")] })),
    act: (store) => store.queries.redrive(["x1", "x2"], T0),
  },
];

/** Commits as an engine does after a crash: it skips the inputs that the store already knows. */
async function commitAll(store: Store, change: Parameters<typeof aChange>[0]): Promise<void> {
  const [loaded] = await store.load(["s1"]);
  await store.commit([aChange({ ...change, expectedVersion: loaded?.version ?? 0 })]);
}

/** Sweeps late enough for repairs, then returns everything that callers can see except positions and receipts. */
async function observe(store: Store) {
  for (let sweep = 0; sweep < 3; sweep += 1) await take(store, ["timer", "deadline", "parked"], T0 + MINUTE + sweep);
  const page = { limit: 100 };
  const [loaded] = await store.load(["s1"]);
  const history = await store.queries.listHistory({ stackId: "s1" }, page);
  const yard = await store.queries.listHistory({}, page);
  // A key that the sweep passes on comes later than one that its holder passes on, and so does the deadline.
  const attempts = (await store.queries.listAttempts("s1")).map(({ deadlineAt: _, ...view }) => view);
  const due = await take(store, ["event", "task", "timer", "deadline", "poll", "parked"], T0 + 2 * HOUR);
  return {
    stack: loaded?.stack,
    parked: loaded?.parked,
    history: history.items.map(({ position: _, ...line }) => line),
    yard: yard.items.map(({ eventId }) => eventId),
    deadLetters: (await store.queries.listDeadLetters({}, page)).items,
    attempts: attempts.toSorted((a, b) => (a.attemptId < b.attemptId ? -1 : 1)),
    due: due.map((item) => JSON.stringify({ ...item, receipt: "" })).sort(),
    stats: await store.queries.stats(),
    audit: (await store.records.list("audit/", { limit: 100, now: T0 })).items.map(({ key, value }) => ({
      key,
      value,
    })),
    isRemembered: await store.commit([aChange({ expectedVersion: loaded?.version ?? 0, appliedIds: ["e1", "e2"] })]),
  };
}

/** Runs the scenario in a process that dies after so many calls, and once more by one that lives. */
async function runWithCrash({ prepare, act }: Scenario, dieAfter: number) {
  const table = tables.newTable();
  const before = await tables.open({ table });
  await prepare(before);
  const opening = 2;
  const dying = createDyingClient(tables.client, dieAfter + opening);
  const store = await tables.open({ table, client: dying.client });
  await act(store).catch(() => undefined);
  const after = await tables.open({ table });
  await act(after);
  return { hasDied: dying.hasDied(), seen: await observe(after) };
}

describe("a process that dies in a claim of two keys", () => {
  const both = ["key:a", "key:b"];
  const late = T0 + 10 * MINUTE;

  async function claimWithCrash(dieAfter: number) {
    const table = tables.newTable();
    const before = await tables.open({ table });
    await commitNow(before, aPut({}, { dispatches: ["a1", "a2", "a3"].map((id) => aDispatch(id)) }));
    await grantNow(before, "a1", ["key:b"]);
    const dying = createDyingClient(tables.client, dieAfter + 2);
    const store = await tables.open({ table, client: dying.client });
    const claim = { attemptId: "a2", owner: "w2", leaseMs: MINUTE, exclusiveKeys: both, now: T0 };
    await store.claim(claim).catch(() => undefined);
    return { hasDied: dying.hasDied(), claim, store: await tables.open({ table }) };
  }

  it.each(["is claimed again", "is closed"])(
    "leaves keys that are eventually released when the attempt %s",
    async (end) => {
      for (let dieAfter = 0, isDead = true; isDead; dieAfter += 1) {
        const { hasDied, claim, store } = await claimWithCrash(dieAfter);
        isDead = hasDied;
        if (end === "is claimed again") await store.claim({ ...claim, now: late });
        else await commitNow(store, aChange({ endedAttempts: ["a2"], now: late }));
        const event = aQueuedEvent("r1", { origin: "worker" });
        await store.settle({ attemptId: "a1", owner: "w1", token: 1 }, { outcome: "succeeded", event, now: late });

        if (end === "is claimed again") {
          const grant = await grantNow(store, "a2", both, late);
          await store.settle(grant, {
            outcome: "succeeded",
            event: aQueuedEvent("r2", { origin: "worker" }),
            now: late,
          });
        }
        await grantNow(store, "a3", both, late);
        expect((await store.findAttempt("a3"))?.heldKeys, `after ${dieAfter} calls`).toEqual(both);
        expect(dieAfter).toBeLessThan(50);
      }
    },
    600_000,
  );
});

describe("a process that dies between the steps of a call", () => {
  for (const scenario of scenarios) {
    it(`leaves a state from which a restart continues: ${scenario.name}`, {
      timeout: 600_000,
      ...scenario.options,
    }, async () => {
      const { seen: whole } = await runWithCrash(scenario, Number.POSITIVE_INFINITY);

      for (let dieAfter = 0, isDead = true; isDead; dieAfter += 1) {
        const { hasDied, seen } = await runWithCrash(scenario, dieAfter);
        expect(seen, `after ${dieAfter} calls`).toEqual(whole);
        isDead = hasDied;
        expect(dieAfter).toBeLessThan(100);
      }
    });
  }
});
