import { describe, expect, it } from "vitest";
import type { Stack, TaskState } from "../machine/stack.ts";
import { createMemoryStore } from "../memory/memory-store.ts";
import type { Change } from "../ports/stack-store.ts";
import { findStuck } from "./find-stuck.ts";
import { aDispatch, aPut, aQueuedEvent, aSettle, commitNow, grantNow, T0 } from "./store-conformance/store-builders.ts";

const run = { attemptId: "a1", entry: 1, task: "plan", attempt: 1, dispatchedAt: T0 };
const pending = (detail?: TaskState["detail"]): TaskState => ({
  ...{ name: "plan", status: "PENDING" },
  ...(detail === undefined ? {} : { detail }),
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

  it("finds an end that the stack was not told, once no event is on its way", async () => {
    const store = createMemoryStore();
    await commitNow(store, aPut({ tasks: [pending()], runs: [run] }, { dispatches: [aDispatch("a1")] }));
    await store.settle(await grantNow(store, "a1"), aSettle("a1"));

    const before = await findStuck(store);
    const events = await store.takeDue({ kinds: ["event"], now: T0, limit: 9, leaseMs: 1 });
    await store.release(events.flatMap((item) => ("receipt" in item ? [item.receipt] : [])));

    expect([before, await findStuck(store)]).toEqual([[], ["s1: the stack was never told that a1 has ended."]]);
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
