import { describe, expect, it, vi } from "vitest";
import { createFakeClock, settlePromises } from "./testing/fake-clock.ts";
import { unlessAborted, within } from "./within.ts";

const never = new Promise<never>(() => undefined);

describe("within", () => {
  it("returns the result of work in time, and leaves no sleeper", async () => {
    const clock = createFakeClock();
    const late = vi.fn();
    const result = within(
      clock.sleep(50).then(() => "done"),
      { clock, ms: 100, late },
    );

    await clock.advance(50);

    expect(await result).toBe("done");
    await settlePromises();
    expect(clock.nextWakeAt()).toBeUndefined();
    expect(late).not.toHaveBeenCalled();
  });

  it("throws the error of work in time", async () => {
    const clock = createFakeClock();
    const work = Promise.reject(new Error("no"));

    await expect(within(work, { clock, ms: 100, late: () => "late" })).rejects.toThrow("no");
    expect(clock.nextWakeAt()).toBeUndefined();
  });

  it("returns or throws what `late` does when the time is over", async () => {
    const clock = createFakeClock();
    const returned = within(never, { clock, ms: 100, late: () => "late" });
    const thrown = within(never, {
      clock,
      ms: 100,
      late: () => {
        throw new Error("too late");
      },
    });
    const failure = expect(thrown).rejects.toThrow("too late");

    await clock.advance(100);

    expect(await returned).toBe("late");
    await failure;
  });

  it("ignores how work ends after its time", async () => {
    const clock = createFakeClock();
    const { promise: work, reject } = Promise.withResolvers<never>();
    const result = within(work, { clock, ms: 100, late: () => "late" });

    await clock.advance(100);
    reject(new Error("late"));
    await settlePromises();

    expect(await result).toBe("late");
  });
});

describe("unlessAborted", () => {
  const toError = () => new Error("over");

  it("returns or throws what the work does", async () => {
    const { signal } = new AbortController();

    expect(await unlessAborted(Promise.resolve(1), signal, toError)).toBe(1);
    await expect(unlessAborted(Promise.reject(new Error("no")), signal, toError)).rejects.toThrow("no");
  });

  it("throws once the signal is aborted, also before the call", async () => {
    const controller = new AbortController();
    const result = unlessAborted(never, controller.signal, toError);

    controller.abort();

    await expect(result).rejects.toThrow("over");
    await expect(unlessAborted(never, controller.signal, toError)).rejects.toThrow("over");
  });
});
