import { describe, expect, it } from "vitest";
import { backoff, retry } from "./retry.ts";
import { createFakeClock } from "./testing/fake-clock.ts";

/** Fails so often, then returns "done"; notes when it was called. */
function createWorld(failures: number) {
  const clock = createFakeClock();
  const start = clock.now();
  const calledAt: number[] = [];
  const run = async () => {
    calledAt.push(clock.now() - start);
    if (calledAt.length <= failures) throw new Error(`no ${calledAt.length}`);
    return "done";
  };
  const pause = (failed: number) => clock.sleep(backoff(failed, { first: 100 }));
  return { clock, calledAt, run, pause };
}

describe("retry", () => {
  it("tries again after a pause until the call succeeds", async () => {
    const { clock, calledAt, run, pause } = createWorld(3);
    const result = retry(run, { tries: 5, pause });

    await clock.advance(10_000);

    expect(await result).toBe("done");
    expect(calledAt).toEqual([0, 100, 300, 700]);
  });

  it("throws the error of the last try", async () => {
    const { calledAt, run } = createWorld(9);

    await expect(retry(run, { tries: 3 })).rejects.toThrow("no 3");
    expect(calledAt).toEqual([0, 0, 0]);
  });

  it("throws an error that is not retryable at once", async () => {
    const { calledAt, run } = createWorld(9);
    const isRetryable = (error: unknown) => String(error).includes("no 1");

    await expect(retry(run, { tries: 5, isRetryable })).rejects.toThrow("no 2");
    expect(calledAt).toHaveLength(2);
  });

  it("passes the error to the pause", async () => {
    const { run } = createWorld(2);
    const given: unknown[] = [];

    await retry(run, { tries: 3, pause: async (failed, error) => void given.push([failed, String(error)]) });

    expect(given).toEqual([
      [1, "Error: no 1"],
      [2, "Error: no 2"],
    ]);
  });
});

describe("backoff", () => {
  it("doubles the delay after each failure, up to a limit", () => {
    expect([0, 1, 2, 3, 4, 5_000].map((failed) => backoff(failed, { first: 5, most: 30 }))).toEqual([
      5, 5, 10, 20, 30, 30,
    ]);
    expect(backoff(11, { first: 1 })).toBe(1_024);
  });
});
