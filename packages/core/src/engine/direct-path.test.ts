import { describe, expect, it } from "vitest";
import { createSlots } from "./work-loop.ts";

const never = new AbortController().signal;

describe("places for tasks", () => {
  it("hands out as many as there are", () => {
    const slots = createSlots(3);

    expect([slots.take(2), slots.take(2), slots.take(1)]).toEqual([2, 1, 0]);
    slots.release(2);
    expect(slots.take(5)).toBe(2);
  });

  it("gives a free place to who waits, in the order of waiting", async () => {
    const slots = createSlots(1);
    slots.take(1);
    const order: string[] = [];
    const first = slots.takeNext(never).then(() => order.push("first"));
    const second = slots.takeNext(never).then(() => order.push("second"));

    slots.release();
    await first;
    expect(slots.take(1)).toBe(0);
    slots.release();
    await second;

    expect(order).toEqual(["first", "second"]);
  });

  it("keeps the place of a task that has ended for what its result begins, and not for ever", async () => {
    let now = 0;
    const slots = createSlots(1, () => now);
    slots.take(1);
    let taken = false;
    void slots.takeNext(never).then(() => {
      taken = true;
    });

    const narrow = slots.widen();
    expect([slots.take(1), slots.takeForBirth(), slots.takeForBirth()]).toEqual([0, true, false]);
    narrow();
    slots.release();
    now = 200;
    const narrowAgain = slots.widen();
    expect(slots.takeForBirth()).toBe(false);
    narrowAgain();
    await Promise.resolve();

    expect(taken).toBe(true);
  });

  it("lets who waits give up", async () => {
    const slots = createSlots(1);
    slots.take(1);
    const stopping = new AbortController();
    const waiting = slots.takeNext(stopping.signal);

    stopping.abort();

    expect(await waiting).toBe(false);
    slots.release();
    expect(slots.take(1)).toBe(1);
    expect(await slots.takeNext(stopping.signal)).toBe(false);
  });
});
