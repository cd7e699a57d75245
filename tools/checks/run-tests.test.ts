import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { repositoryRoot } from "./published-packages.ts";
import { listPassed } from "./run-tests.ts";

const aFile = (path: string) => ({ path, project: "unit", tier: "first", why: "" }) as const;
const aResult = (statuses: Readonly<Record<string, string>>, failed: number) => ({
  batch: { files: [...Object.keys(statuses), "left.test.ts"].map(aFile), noun: "tests" },
  report: {
    testResults: Object.entries(statuses).map(([path, status]) => ({
      name: join(repositoryRoot, path),
      status: status === "failed" ? "failed" : "passed",
      assertionResults: [{ status }],
    })),
  },
  summary: { passed: 1, failed, skipped: 0 },
});

describe("listPassed", () => {
  it("leaves out files with a failure, and those that did not run", () => {
    expect(listPassed(aResult({ "a.test.ts": "passed", "b.test.ts": "failed" }, 1))).toEqual(["a.test.ts"]);
  });

  it("lists nothing when something outside of tests failed, such as an unhandled rejection or a file that did not run", () => {
    expect(listPassed(aResult({ "a.test.ts": "passed" }, 1))).toEqual([]);
  });
});
