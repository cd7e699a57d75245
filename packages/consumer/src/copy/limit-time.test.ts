import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { limitTime } from "./limit-time.ts";

describe("limitTime", () => {
  it("is over five seconds before the end", async () => {
    const clock = createFakeClock();
    const { signal } = limitTime(clock, { deadlineAt: clock.now() + 60_000 });

    await clock.advance(54_999);
    const early = signal.aborted;
    await clock.advance(1);

    expect([early, signal.aborted]).toEqual([false, true]);
  });

  it("is over at once where there is no time", () => {
    const clock = createFakeClock();

    expect(limitTime(clock, { deadlineAt: clock.now() + 5_000 }).signal.aborted).toBe(true);
  });

  it("leaves nobody asleep, and is not over, when the work is done before", async () => {
    const clock = createFakeClock();
    const { signal, end } = limitTime(clock, { deadlineAt: clock.now() + 60_000 });

    end();
    await clock.advance(60_000);

    expect([clock.nextWakeAt(), signal.aborted]).toEqual([undefined, false]);
  });

  it("is over when the caller says so", () => {
    const controller = new AbortController();
    const { signal } = limitTime(createFakeClock(), { signal: controller.signal });

    controller.abort();

    expect(signal.aborted).toBe(true);
  });
});
