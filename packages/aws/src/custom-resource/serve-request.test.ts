import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createInvocation } from "./serve-request.ts";

describe("createInvocation", () => {
  it("ends work 20 s before the function ends", async () => {
    const clock = createFakeClock();
    const { run, signal } = createInvocation(clock, { getRemainingTimeInMillis: () => 60_000 });

    const ended = run(() => new Promise(() => undefined)).catch((error: unknown) => error);
    await clock.advance(39_999);
    expect(signal.aborted).toBe(false);
    await clock.advance(1);

    expect(await ended).toMatchObject({ code: "TIMED_OUT" });
    expect(signal.aborted).toBe(true);
  });

  it("gives short-lived functions half of their time", async () => {
    const clock = createFakeClock();
    const { run } = createInvocation(clock, { getRemainingTimeInMillis: () => 10_000 });

    const ended = run(() => new Promise(() => undefined)).catch((error: unknown) => error);
    await clock.advance(5_000);

    expect(await ended).toMatchObject({ code: "TIMED_OUT" });
  });

  it("leaves nothing behind when the work ends in time", async () => {
    const clock = createFakeClock();
    const { run, signal } = createInvocation(clock, { getRemainingTimeInMillis: () => 60_000 });

    expect(await run(() => Promise.resolve(7))).toBe(7);
    await expect(run(() => Promise.reject(new Error("no")))).rejects.toThrow("no");

    expect(clock.nextWakeAt()).toBeUndefined();
    await clock.advance(60_000);
    expect(signal.aborted).toBe(false);
  });

  it("always reports its end", async () => {
    const clock = createFakeClock();
    const { run, ttlMs } = createInvocation(clock, undefined);

    expect(await run(() => Promise.resolve(7))).toBe(7);
    expect([ttlMs, clock.nextWakeAt()]).toEqual([60_000, undefined]);
  });
});
