import { describe, expect, it } from "vitest";
import { toWaits } from "./measure-latency.ts";

describe("toWaits", () => {
  it("pairs each job with its start, in the order of the jobs", () => {
    const waits = toWaits(
      [
        [7, 100],
        [8, 110],
      ],
      [
        [8, 111],
        [7, 105],
      ],
    );

    expect(waits).toEqual([5, 1]);
  });

  it("says which job never started", () => {
    expect(() => toWaits([[7, 100]], [])).toThrow("Job 7 did not start.");
  });
});
