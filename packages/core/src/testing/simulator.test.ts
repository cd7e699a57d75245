import { describe, expect, it } from "vitest";
import type { SourcedMachine } from "../engine/built-in-ports.ts";
import { defined } from "../machine/json.ts";
import { parseMachine } from "../machine/parse-machine.ts";
import type { Stack, TaskState } from "../machine/stack.ts";
import { createMemoryStore } from "../memory/memory-store.ts";
import { failed } from "../ports/executor.ts";
import type { Change } from "../ports/stack-store.ts";
import { createRandom } from "./fake-clock.ts";
import { createScriptedExecutor } from "./run-executor.ts";
import { createSimulator, findStuck, type Simulator } from "./simulator.ts";
import { aDispatch, aPut, aQueuedEvent, aSettle, commitNow, grantNow, T0 } from "./store-conformance/store-builders.ts";

const SOURCE = `
version: 1
events: [OPENED, PUSHED, MERGED]
states:
  INIT: {on: {OPENED: [{action: advance, state: BUILD}]}}
  BUILD:
    tasks: [network, db, cache]
    on: {NEXT: [{action: advance, state: ROLL-OUT}]}
  ROLL-OUT: {tasks: [app], on: {NEXT: [{action: advance, state: LIVE}]}}
  LIVE:
    on: {PUSHED: [{action: advance, state: ROLL-OUT}], MERGED: [{action: advance, state: CLEAN-UP}]}
  CLEAN-UP: {terminal: true, tasks: [app-off, network-off]}
tasks:
  network: {executor: work, config: {}}
  db: {executor: work, config: {}}
  cache: {executor: work, config: {}}
  app: {executor: work, config: {}}
  app-off: {executor: work, config: {}}
  network-off: {executor: work, config: {}}
`;

const STACKS = ["pr-1", "pr-2", "pr-3", "pr-4"];
const MINUTE_MS = 60_000;

function createTrial(seed: number, crashRate: number) {
  const random = createRandom(seed * 7_919);
  const { executor, calls } = createScriptedExecutor("work", () =>
    random() < 0.15 ? failed({ code: "FLAKY", message: "failed by chance", retryable: true }) : undefined,
  );
  const { machine } = parseMachine(SOURCE, { name: "app", executors: new Map([["work", executor]]) });
  if (machine === undefined) throw new Error("The machine of the test does not compile.");
  const machines: readonly SourcedMachine[] = [{ machine, source: SOURCE }];
  return {
    yard: createSimulator({ machines, executors: [executor], seed, crashRate, duplicateRate: crashRate }),
    calls,
  };
}

/** Sends what moves each stack on, each message up to three times, until all are in that state. */
async function drive(
  yard: Simulator,
  event: { readonly name: string; readonly state: string | undefined },
): Promise<void> {
  for (const stackId of STACKS) {
    const message = { id: `${stackId}-${event.name}`, stackId, event: event.name, machine: "app" };
    await yard.publish(message, message);
  }
  for (let turn = 0; turn < 60; turn += 1) {
    await yard.advance(2 * MINUTE_MS);
    const states = await Promise.all(STACKS.map(async (id) => (await yard.findStack(id))?.state));
    if (states.every((state) => state === event.state)) return;
    for (const stackId of STACKS) await yard.publish({ stackId, event: "RETRY_FAILED_TASKS" });
  }
  const stacks = await Promise.all(STACKS.map((id) => yard.findStack(id)));
  throw new Error(`Not all stacks reached ${event.state}: ${JSON.stringify(stacks)}`);
}

describe("a yard whose processes die at calls of the store", () => {
  it.each(Array.from({ length: process.env["QUICK_TESTS"] ? 15 : 40 }, (_, index) => index + 1))(
    "loses nothing, applies nothing twice and gets nowhere stuck (seed %i)",
    async (seed) => {
      const { yard } = createTrial(seed, 0.06);

      await drive(yard, { name: "OPENED", state: "LIVE" });
      await drive(yard, { name: "PUSHED", state: "LIVE" });
      await drive(yard, { name: "MERGED", state: undefined });
      await yard.advance(20 * MINUTE_MS);

      expect(await yard.findViolations()).toEqual([]);
      const { stacks, queuedEvents, queuedTasks, parkedEvents, openAttempts } = await yard.store.queries.stats();
      expect({ stacks, queuedEvents, queuedTasks, parkedEvents, openAttempts }).toEqual({
        stacks: 0,
        queuedEvents: 0,
        queuedTasks: 0,
        parkedEvents: 0,
        openAttempts: 0,
      });
      expect(yard.crashes()).toBeGreaterThan(0);
    },
  );

  it("starts each attempt once when no process dies", async () => {
    const { yard, calls } = createTrial(5, 0);

    await drive(yard, { name: "OPENED", state: "LIVE" });

    const keys = calls.map(({ stackId, task, attempt }) => `${stackId} ${task} ${attempt}`);
    expect(new Set(keys).size).toBe(keys.length);
    expect(yard.crashes()).toBe(0);
  });

  it("repeats a run exactly for the same seed", async () => {
    const histories = await Promise.all(
      [createTrial(9, 0.06), createTrial(9, 0.06)].map(async ({ yard }) => {
        await drive(yard, { name: "OPENED", state: "LIVE" });
        return Promise.all(STACKS.map((id) => yard.listHistory(id)));
      }),
    );

    expect(histories[0]).toEqual(histories[1]);
  });
});

const run = { attemptId: "a1", entry: 1, task: "plan", attempt: 1, dispatchedAt: T0 };
const pending = (detail?: TaskState["detail"]): TaskState => ({
  name: "plan",
  status: "PENDING",
  ...defined({ detail }),
});

async function findAfter(stack: Partial<Stack>, change: Partial<Change> = {}): Promise<readonly string[]> {
  const store = createMemoryStore();
  await commitNow(store, aPut(stack, change));
  return findStuck(store);
}

describe("findStuck", () => {
  it("finds nothing where every task is on its way", async () => {
    expect(await findAfter({ tasks: [pending()], runs: [run] }, { dispatches: [aDispatch("a1")] })).toEqual([]);
  });

  it("finds an attempt whose message is gone", async () => {
    const change = { dispatches: [aDispatch("a1")] };
    const store = createMemoryStore();
    await commitNow(store, aPut({ tasks: [pending()], runs: [run] }, change));
    const tasks = await store.takeDue({ kinds: ["task"], now: T0, limit: 9, leaseMs: 1 });
    await store.release(tasks.flatMap((item) => ("receipt" in item ? [item.receipt] : [])));

    expect(await findStuck(store)).toEqual(["No message of a1 is left."]);
  });

  it("finds an end that the stack does not know, once no event is under way", async () => {
    const store = createMemoryStore();
    await commitNow(store, aPut({ tasks: [pending()], runs: [run] }, { dispatches: [aDispatch("a1")] }));
    await store.settle(await grantNow(store, "a1"), aSettle("a1"));

    const before = await findStuck(store);
    const events = await store.takeDue({ kinds: ["event"], now: T0, limit: 9, leaseMs: 1 });
    await store.release(events.flatMap((item) => ("receipt" in item ? [item.receipt] : [])));

    expect([before, await findStuck(store)]).toEqual([[], ["s1: the stack never received the end of a1."]]);
  });

  it.each([
    ["a task without a run", { tasks: [pending()] }, true],
    ["a task that waits for nothing", { tasks: [pending("WAITING")] }, true],
    ["a task that needs a failed one", { tasks: [pending("WAITING")], failed: true }, false],
    [
      "a task that waits for its next attempt",
      { tasks: [pending("RETRYING")], timers: [{ id: "1/retry/plan", event: "X", dueAt: T0, task: "plan" }] },
      false,
    ],
  ] as const)("knows %s", async (_what, stack, isStuck) => {
    expect(await findAfter(stack)).toEqual(isStuck ? ['s1: the task "plan" waits for nothing.'] : []);
  });

  it("says nothing while events wait", async () => {
    const store = createMemoryStore();
    await store.enqueue([aQueuedEvent("e1")]);
    await commitNow(store, aPut({ tasks: [pending()] }));

    expect(await findStuck(store)).toEqual([]);
  });
});
