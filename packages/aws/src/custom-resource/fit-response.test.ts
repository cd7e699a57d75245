import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cutReason, isWithinLimit, toReason } from "./fit-response.ts";

const withReason = (Reason: string) => ({ StackId: "s".repeat(200), Reason });

describe("a reason", () => {
  it("of a success is one line without control characters", () => {
    expect(toReason(" one\n two\u0007three ", "SUCCESS")).toBe("one two three");
    expect(toReason("one\n two", "FAILED")).toBe("one\n two");
  });

  it("that fits is left alone", () => {
    expect(cutReason(withReason("short"), 1)).toEqual(withReason("short"));
  });

  it("is cut as little as the limit wants, and parts no character", () => {
    const cut = cutReason(withReason("😀".repeat(3_000)), 1);

    expect(cut.Reason).toMatch(/^(?:😀)+…$/u);
    expect(isWithinLimit(cut)).toBe(true);
    expect(isWithinLimit({ ...cut, Reason: `${cut.Reason}😀` })).toBe(false);
  });

  it("keeps so many characters where nothing helps", () => {
    const cut = cutReason({ Data: "d".repeat(5_000), Reason: "r".repeat(500) }, 200);

    expect([cut.Reason.length, isWithinLimit(cut)]).toEqual([200, false]);
  });

  it("never makes an answer too long, whatever it says", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 6_000 }), (text) => {
        expect(isWithinLimit(cutReason(withReason(toReason(text, "FAILED")), 1))).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});
