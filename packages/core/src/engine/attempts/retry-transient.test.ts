import { describe, expect, it } from "vitest";
import { isPassing, StackyardError, toErrorText } from "../../errors/stackyard-error.ts";
import { createFakeClock } from "../../testing/fake-clock.ts";
import { retryTransient } from "./retry-transient.ts";

const busy = new StackyardError("STORE_UNAVAILABLE", "busy");

/** Fails so often, then answers; notes when it was called. */
function createCall(failures: number, error: Error) {
  const clock = createFakeClock();
  const start = clock.now();
  const calledAt: number[] = [];
  const result = retryTransient(clock, async () => {
    calledAt.push(clock.now() - start);
    if (calledAt.length <= failures) throw error;
    return "done";
  });
  return { clock, calledAt, result };
}

describe("retryTransient", () => {
  it("retries with exponential backoff until the call succeeds", async () => {
    const { clock, calledAt, result } = createCall(3, busy);

    await clock.advance(60_000);

    expect(await result).toBe("done");
    expect(calledAt).toEqual([0, 250, 750, 1_750]);
  });

  it("gives up after some seconds", async () => {
    const { clock, calledAt, result } = createCall(99, busy);
    const failure = expect(result).rejects.toBe(busy);

    await clock.advance(60_000);

    await failure;
    expect(calledAt).toEqual([0, 250, 750, 1_750, 3_750, 7_750]);
  });

  it.each([new Error("bug"), new StackyardError("STORE_CLOSED", "closed")])("does not try %s again", async (error) => {
    const { calledAt, result } = createCall(1, error);

    await expect(result).rejects.toBe(error);
    expect(calledAt).toEqual([0]);
  });
});

describe("an error", () => {
  it.each([
    [busy, "STORE_UNAVAILABLE: busy", true],
    [new StackyardError("STORE_CORRUPT", "torn"), "STORE_CORRUPT: torn", false],
    [new RangeError("far"), "far", false],
    ["text", "text", false],
  ])("has a text, and passes by itself or not: %s", (error, text, passing) => {
    expect([toErrorText(error), isPassing(error)]).toEqual([text, passing]);
  });
});
