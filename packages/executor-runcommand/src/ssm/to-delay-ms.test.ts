import { describe, expect, it } from "vitest";
import { MAX_ATTEMPTS, toDelayMs } from "./to-delay-ms.ts";

describe("toDelayMs", () => {
  it("doubles from 200 ms up to 20 s", () => {
    const longest = Array.from({ length: MAX_ATTEMPTS - 1 }, (_, index) => toDelayMs(index + 1, 0.999_999));

    expect(longest).toEqual([199, 399, 799, 1_599, 3_199, 6_399, 12_799, 19_999, 19_999]);
  });

  it("may be any part of it, so that callers do not come back together", () => {
    expect(toDelayMs(5, 0)).toBe(0);
    expect(toDelayMs(5, 0.5)).toBe(1_600);
  });
});
