import { describe, expect, it } from "vitest";
import { attemptIdOf } from "../../../machine/event-message.ts";
import type { Machine } from "../../../machine/machine.ts";
import type { Stack } from "../../../machine/stack.ts";
import { createMemoryStore } from "../../../memory/memory-store.ts";
import type { Change, HistoryEntry } from "../../../ports/stack-store.ts";
import { aMachineV2 } from "../../builders.ts";
import { aDispatch, aHistoryEntry, aPut, commitNow } from "../../store-conformance/store-builders.ts";
import { leavingWaits, oneReaction, retriesBounded, visitsCounted } from "./version-2.ts";
import { watchStore } from "./watch-store.ts";

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
  attemptIdOf({ stackId: "s1", life: "created", entry, task: "plan", attempt });
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
    ["has ended with the same commit", waiting, { closes: [idOf(1)] }],
    ["is abandoned", aMachineV2({ UP: { tasks: ["plan"], leaving: "abandon" } }), {}],
  ])("lets a task be sent when the earlier run %s", async (_what, machine, change) => {
    const found = await findAfter(
      machine,
      [{ entry: 1 }, { dispatches: [dispatch(1)] }],
      [{ entry: 2 }, { ...change, dispatches: [dispatch(2)] }],
    );

    expect(found).toEqual([]);
  });

  it("lets an entry that has begun go on", async () => {
    const app = aDispatch("s1/created/2/app/1", { entry: 2, task: "app" });

    const found = await findAfter(
      waiting,
      [{ entry: 1 }, { dispatches: [dispatch(1)], closes: [idOf(1)] }],
      [{ entry: 2, attempts: { plan: 1 } }, { dispatches: [dispatch(2)] }],
      [{ entry: 2, attempts: { plan: 1, app: 1 } }, { dispatches: [app] }],
    );

    expect(found).toEqual([]);
  });
});

it("leaving-waits knows one life of a stack from the next within a change", async () => {
  const waiting = aMachineV2({ UP: { tasks: ["plan"], leaving: "wait" } });
  const old = [{ entry: 1 }, { dispatches: [dispatch(1)] }] as const;

  const found = await findAfter(waiting, old, [{ entry: 2, life: "next" }, { dispatches: [dispatch(2)] }]);

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
    ["another life", {}, { life: "next" }],
    ["another task", { task: "app" }, {}],
  ])(
    "counts no retry by hand of %s",
    async (_what, line, next: { readonly entry?: number; readonly life?: string }) => {
      const history = byHand("RETRY_FAILED_TASKS", line);
      const { entry = 1, life = "created" } = next;
      const id = attemptIdOf({ stackId: "s1", life, entry, task: "plan", attempt: 3 });

      const found = await findAfter(
        retrying,
        [{}, { dispatches: [dispatch(1)], history }],
        [next, { dispatches: [aDispatch(id, { entry, life, attempt: 3 })] }],
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
