import { StackyardError } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { createMemoryParts } from "./testing/memory-parts.ts";

const never = Number.POSITIVE_INFINITY;

function anEvent(event: string, id = event) {
  const message = { stackId: "pr-1", event, machine: "app" };
  return { id, stackId: "pr-1", origin: "external", message, receivedAt: 0 } as const;
}

describe("what commits have left", () => {
  it("decides queued events and sends the tasks that they bring", async () => {
    const { parts, store, tasks, find } = createMemoryParts();
    await store.enqueue([anEvent("OPENED")]);

    const worked = await parts.yard.drain(never);

    expect([worked, tasks.length, await find()]).toEqual([2, 1, "BUILD PENDING"]);
    expect(await parts.yard.drain(never)).toBe(0);
  });

  it("releases what could not be decided, and continues to the end", async () => {
    let calls = 0;
    const load = () => {
      calls += 1;
      return Promise.reject(new StackyardError("STORE_UNAVAILABLE", "The store does not answer."));
    };
    const { parts, store, clock } = createMemoryParts({ wrap: (memory) => ({ ...memory, load }) });
    await store.enqueue([anEvent("OPENED")]);
    const drain = () => parts.yard.drain(never);

    await drain();
    await drain();
    const soon = calls;
    await clock.advance(5_000);
    await drain();

    expect([soon, calls]).toEqual([1, 2]);
  });

  it("sends the poll of a suspended attempt after a cancel request", async () => {
    const { parts, store, tasks, handle, clock } = createMemoryParts();
    await handle("OPENED");
    const [attempt] = await store.queries.listAttempts("pr-1");
    const attemptId = attempt?.attemptId ?? "";
    const input = { attemptId, owner: "w1", leaseMs: 60_000, exclusiveKeys: [], now: clock.now() };
    const claimed = await store.claim(input);
    if (claimed.kind !== "granted") throw new TypeError("The claim was not granted.");
    await store.suspend(claimed.grant, { progress: {}, dueAt: clock.now() + 3_600_000, now: clock.now() });
    await parts.yard.drain(never);
    const before = [...tasks];
    const task = { name: "db" };
    const message = { stackId: "pr-1", event: "CANCEL_TASK", task, machine: "app" };
    await store.enqueue([{ id: "c1", stackId: "pr-1", origin: "external", message, receivedAt: clock.now() }]);

    await parts.yard.drain(never);

    expect([before, tasks]).toEqual([[], [`${attemptId} +0`]]);
  });

  it("receives nothing after its stop time", async () => {
    const { parts, store, clock, find } = createMemoryParts();
    await store.enqueue([anEvent("OPENED")]);

    expect([await parts.yard.drain(clock.now()), await find()]).toEqual([0, ""]);
  });

  it("is limited to this process if the store supports it, and includes all otherwise", async () => {
    const blind = createMemoryParts();
    await blind.store.enqueue([anEvent("OPENED")]);
    const telling = createMemoryParts({ takeOwn: async () => [] });
    await telling.store.enqueue([anEvent("OPENED")]);

    const own = [await telling.parts.yard.drain(never, "own"), await telling.find()];
    const all = [await telling.parts.yard.drain(never), await telling.find()];

    expect([own, all]).toEqual([
      [0, ""],
      [2, "BUILD PENDING"],
    ]);
    expect([await blind.parts.yard.drain(never, "own"), await blind.find()]).toEqual([2, "BUILD PENDING"]);
  });
});
