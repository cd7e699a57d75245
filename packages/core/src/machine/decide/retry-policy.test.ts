import { describe, expect, it } from "vitest";
import type { RetryPolicy } from "../machine.ts";
import { type Failure, maxBackoffMs, mayRetry } from "./task-results.ts";

const aPolicy = (policy: Partial<RetryPolicy> = {}): RetryPolicy => {
  return { attempts: 3, fromMs: 1_000, toMs: 60_000, factor: 2, ...policy };
};

describe("mayRetry", () => {
  it("allows as many attempts in total as the policy says", () => {
    expect([1, 2, 3, 4].map((failures) => mayRetry(aPolicy(), failures, {}))).toEqual([true, true, false, false]);
    expect(mayRetry(aPolicy({ attempts: 1 }), 1, {})).toBe(false);
  });

  it.each<[string, Failure, boolean]>([
    ["any code", { code: "QUOTA" }, true],
    ["no code", {}, true],
    ["a time-out", { code: "TASK_TIMEOUT" }, true],
    ["what the executor calls worth it", { retryable: true }, true],
    ["what the executor calls not worth it", { retryable: false }, false],
    ["an expression that failed", { code: "EXPRESSION_FAILED", retryable: true }, false],
    ["a config that is wrong", { code: "CONFIG_INVALID" }, false],
    ["outputs that cannot be stored", { code: "OUTPUT_INVALID" }, false],
    ["a cancel", { code: "TASK_CANCELLED" }, false],
  ])("decides %s", (_what, failure, expected) => {
    expect(mayRetry(aPolicy(), 1, failure)).toBe(expected);
  });

  it("allows only the codes that the policy lists, where it lists some", () => {
    const policy = aPolicy({ only: new Set(["QUOTA", "TASK_FAILED"]) });
    const codes = ["QUOTA", "TASK_TIMEOUT", "TASK_FAILED"];

    expect(codes.map((code) => mayRetry(policy, 1, { code }))).toEqual([true, false, true]);
    expect(mayRetry(policy, 1, {})).toBe(true);
  });
});

describe("maxBackoffMs", () => {
  it("grows by the factor up to the limit", () => {
    const policy = aPolicy({ toMs: 5_000 });

    expect([1, 2, 3, 4, 5_000].map((failures) => maxBackoffMs(policy, failures))).toEqual([
      1_000, 2_000, 4_000, 5_000, 5_000,
    ]);
  });

  it("is a whole number of milliseconds whatever the factor", () => {
    expect(maxBackoffMs(aPolicy({ fromMs: 3, factor: 1.5 }), 2)).toBe(5);
    expect(maxBackoffMs(aPolicy({ factor: 1 }), 9)).toBe(1_000);
    expect(maxBackoffMs(aPolicy({ fromMs: 0, factor: 10 }), 400)).toBe(60_000);
  });
});
