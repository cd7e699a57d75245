import { describe, expect, it } from "vitest";
import type { Store } from "../../ports/store.ts";
import { runPlan } from "./run-plan.ts";
import { listSimplerMachines, shrinkList, shrinkRun } from "./shrink-plan.ts";
import type { PlannedMachine, SimulationPlan } from "./simulation-plan.ts";

const go = (stackId: string, id: string, atMs: number) =>
  ({ atMs, do: "send", message: { id, stackId, event: "GO", machine: "app" } }) as const;

const plan: SimulationPlan = {
  seed: 1,
  leaseMs: 5_000,
  medium: "queue",
  refusedEvents: "drop",
  nodes: [
    { skewMs: 300, concurrency: 2 },
    { skewMs: 0, concurrency: 1 },
  ],
  machines: [
    {
      version: 1,
      events: ["GO", "BACK"],
      states: {
        INIT: { on: { GO: [{ action: "advance", state: "ONE" }] } },
        ONE: { tasks: ["db", "app"], on: { BACK: [{ action: "advance", state: "ONE" }] } },
      },
      tasks: { db: { executor: "work", config: { key: "k" } }, app: { executor: "work", config: {} } },
    },
  ],
  actions: [go("s1", "a", 0), go("s2", "b", 100), go("s1", "c", 2_000), { atMs: 3_000, do: "redrive" }],
  faults: { "s1 engine commit 1": { kind: "yield", steps: 3 }, "s2/db/1.1 worker claim 1": { kind: "hurry" } },
  work: { "s1/db/1.1/1": { answer: "go-on", takesMs: 100, pollAfterMs: 10 } },
};

/** Loses all dispatches of one stack. */
const lossy = (store: Store): Store => ({
  ...store,
  commit: (changes) =>
    store.commit(changes.map((change) => (change.stackId === "s2" ? { ...change, dispatches: [] } : change))),
});

describe("a failing run", () => {
  it("is cut down to what makes it fail", async () => {
    const run = await runPlan(plan, { plant: lossy });

    const small = await shrinkRun(run, { plant: lossy });

    expect(small.plan).toEqual({
      seed: 1,
      leaseMs: 5_000,
      nodes: [{ skewMs: 0, concurrency: 1 }],
      machines: [
        {
          version: 1,
          events: ["GO"],
          states: { INIT: { on: { GO: [{ action: "advance", state: "ONE" }] } }, ONE: { tasks: ["app"] } },
          tasks: { app: { executor: "work" } },
        },
      ],
      actions: [go("s2", "b", 0)],
      faults: {},
      work: {},
    });
    expect(small.violations).toEqual([{ invariant: "one-commit", sentence: "The dispatch of s2/b/1/app/1 was lost." }]);
  });

  it("is returned unchanged when nothing smaller may be tried", async () => {
    const run = await runPlan(plan, { plant: lossy });

    expect(await shrinkRun(run, { plant: lossy, maxRuns: 0 })).toBe(run);
  });

  it("is unchanged when it does not fail", async () => {
    const run = await runPlan(plan);

    expect(run.violations).toEqual([]);
    expect(await shrinkRun(run)).toBe(run);
  });
});

const items = Array.from({ length: 20 }, (_, index) => index);

it.each([
  [[], 1],
  [[7], 20],
  [[0, 19], 60],
  [[3, 4, 11], 60],
  [items, 60],
])("keeps just what is needed: %j", async (needed, most) => {
  let tries = 0;

  const left = await shrinkList(items, async (candidate) => {
    tries += 1;
    return needed.every((item) => candidate.includes(item));
  });

  expect(left).toEqual(needed);
  expect(tries).toBeLessThanOrEqual(most);
});

it("asks nothing about an empty list", async () => {
  expect(await shrinkList([], () => Promise.reject(new Error("asked")))).toEqual([]);
});

const withoutRevision: PlannedMachine = {
  version: 2,
  events: ["GO", "STAY"],
  states: {
    INIT: { on: { GO: "ONE" } },
    ONE: { tasks: ["db"], on: { STAY: "no-op" }, after: [{ in: "1s", event: "STAY" }], leaving: "wait", timeout: "5s" },
  },
  tasks: { db: { executor: "work", config: {}, timeout: "9s" } },
};
const machine: PlannedMachine = { ...withoutRevision, revision: "pin" };
const { ONE, INIT } = { ONE: {}, INIT: {}, ...machine.states };

it("takes one part out at a time", () => {
  const simpler = [...listSimplerMachines(machine)];

  const withStates = (states: PlannedMachine["states"]) => ({ ...machine, states });
  expect(simpler).toEqual([
    withStates({ INIT: { on: {} }, ONE }),
    withStates({ INIT }),
    withStates({ INIT, ONE: { ...ONE, tasks: [] } }),
    withStates({ INIT, ONE: { ...ONE, on: {} } }),
    withStates({ INIT, ONE: { ...ONE, after: [] } }),
    withStates({
      INIT,
      ONE: { tasks: ["db"], on: { STAY: "no-op" }, after: [{ in: "1s", event: "STAY" }], leaving: "wait" },
    }),
    withStates({
      INIT,
      ONE: { tasks: ["db"], on: { STAY: "no-op" }, after: [{ in: "1s", event: "STAY" }], timeout: "5s" },
    }),
    { ...machine, tasks: {} },
    { ...machine, tasks: { db: { executor: "work", timeout: "9s" } } },
    { ...machine, tasks: { db: { executor: "work", config: {} } } },
    withoutRevision,
    { ...machine, events: ["STAY"] },
    { ...machine, events: ["GO"] },
  ]);
});

it("takes out what is empty", () => {
  const states = { INIT: { on: {}, tasks: [] } };

  const simpler = [...listSimplerMachines({ version: 1, events: [], states, tasks: {} })];

  expect(simpler.map(({ states: left }) => left)).toEqual([{ INIT: { tasks: [] } }, { INIT: { on: {} } }]);
});
