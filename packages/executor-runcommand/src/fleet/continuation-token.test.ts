import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findTokenRun, toContinuationToken } from "./continuation-token.ts";

describe("a continuation token", () => {
  it("is a reference to the run, in one form", () => {
    expect(toContinuationToken("run-12ab")).toBe('{"v":1,"run":"run-12ab"}');
  });

  it("gives every run's id back, and fits", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9-]{1,64}$/), (runId) => {
        const token = toContinuationToken(runId);

        expect(token.length).toBeLessThanOrEqual(2_048);
        expect(findTokenRun(token)).toBe(runId);
      }),
    );
  });

  it.each([
    [""],
    ["run-12ab"],
    ["{}"],
    ["null"],
    ["[]"],
    ['{"v":1}'],
    ['{"v":2,"run":"a"}'],
    ['{"v":"1","run":"a"}'],
    ['{"v":1,"run":7}'],
    ['{"v":1,"run":""}'],
    ['{"v":1,"run":"a/b"}'],
    ['{"v":1,"run":"a\\n"}'],
    [`{"v":1,"run":"${"a".repeat(65)}"}`],
    ['{"v":1,"run":"a","state":"x"}'],
    ['{"v":1,"__proto__":{"run":"a"}}'],
    [`{"v":1,"run":"a"}${" ".repeat(2_048)}`],
    [{ v: 1, run: "a" }],
    [7],
    [undefined],
  ])("is not ours: %j", (token) => {
    expect(findTokenRun(token)).toBeUndefined();
  });
});
