import { describe, expect, it } from "vitest";
import { toTestSummary } from "./test-summary.ts";

const aFile = (...statuses: string[]) => ({
  status: statuses.includes("failed") ? "failed" : "passed",
  assertionResults: statuses.map((status) => ({ status })),
});

describe("toTestSummary", () => {
  it("counts tests over files", () => {
    const testResults = [aFile("passed", "failed"), aFile("passed", "skipped", "todo")];

    expect(toTestSummary({ success: false, testResults }, 1)).toEqual({ passed: 2, failed: 1, skipped: 2 });
  });

  it("counts a file that could not be loaded as a failure", () => {
    const testResults = [aFile("passed"), { status: "failed", assertionResults: [] }];

    expect(toTestSummary({ success: false, testResults }, 1)).toEqual({ passed: 1, failed: 1, skipped: 0 });
  });

  it("counts a failure outside of all tests, such as an unhandled rejection", () => {
    const testResults = [aFile("passed")];

    expect(toTestSummary({ success: true, testResults }, 1)).toEqual({ passed: 1, failed: 1, skipped: 0 });
  });

  it("does not take a run without a test, or without a report, for a success", () => {
    expect(toTestSummary({ success: true, testResults: [] }, 0)).toEqual({ passed: 0, failed: 1, skipped: 0 });
    expect(toTestSummary({}, 0)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });
});
