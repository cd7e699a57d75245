import { describe, expect, it } from "vitest";
import { evaluateClock } from "./check-identity.ts";
import { findAheadMs } from "./yard-aws.ts";

describe("the clock", () => {
  it.each([
    [0, "ok"],
    [4_999, "ok"],
    [-5_000, "warn"],
    [299_999, "warn"],
    [-300_000, "fail"],
  ])("that is %i ms ahead is %s", (aheadMs, status) => {
    expect(evaluateClock({ aheadMs })).toMatchObject([{ check: "clock", status }]);
  });

  it("says in which direction", () => {
    expect(evaluateClock({ aheadMs: -61_000 })[0]?.message).toBe("This machine's clock is 61 s behind that of AWS.");
    expect(evaluateClock({ aheadMs: 61_000 })[0]?.message).toBe("This machine's clock is 61 s ahead of that of AWS.");
  });

  it("is not judged without a date", () => {
    expect(evaluateClock({ aheadMs: undefined })).toEqual([]);
    expect([findAheadMs(undefined, 0), findAheadMs("soon", 0)]).toEqual([undefined, undefined]);
  });

  it("is compared with the middle of the second that the answer names", () => {
    const date = "Fri, 20 Nov 2026 15:00:00 GMT";

    expect(findAheadMs(date, Date.parse("2026-11-20T15:00:10.500Z"))).toBe(10_000);
  });
});
