import { describe, expect, it } from "vitest";
import { type CheckResult, listFailures, type TestsResult } from "./failures.ts";

const aTest = (fullName: string, status: string, ...failureMessages: string[]) => ({
  fullName,
  status,
  failureMessages,
});
const aRun = (tests: readonly ReturnType<typeof aTest>[], given: Partial<TestsResult> = {}): TestsResult => ({
  report: {
    success: tests.every(({ status }) => status !== "failed"),
    testResults: [{ name: "/root/packages/a/b.test.ts", status: "", assertionResults: tests }],
  },
  left: [],
  otherErrors: [],
  exitCode: 0,
  ...given,
});
const list = (tests: readonly TestsResult[], checks: readonly CheckResult[] = []) =>
  listFailures({ tests, checks, root: "/root" });

describe("listFailures", () => {
  it("lists nothing when all is well", () => {
    const checks = [{ name: "types", ok: true, output: "a figure" }];

    expect(list([aRun([aTest("opens", "passed"), aTest("waits", "skipped")])], checks)).toEqual([]);
  });

  it("lists checks with the start of their output, and tests with the first line of their message, of all runs", () => {
    const checks = [
      { name: "types", ok: false, output: "\u001b[31ma.ts: no\u001b[39m\n\n  b.ts: no\n" },
      { name: "lint", ok: true, output: "" },
    ];
    const first = aRun([
      aTest("opens", "passed"),
      aTest("closes", "failed", "\u001b[1mexpected 1\u001b[22m\n at a line"),
    ]);
    const second = aRun([aTest("waits", "failed")]);

    expect(list([first, second], checks)).toEqual([
      "Failed:",
      "  check: types",
      "    types: a.ts: no",
      "    types: b.ts: no",
      "  packages/a/b.test.ts > closes: expected 1",
      "  packages/a/b.test.ts > waits: no message",
    ]);
  });

  it("lists files that did not run, and errors that no test has", () => {
    const failed = aRun([], {
      left: ["/root/c.test.ts"],
      otherErrors: ["/root/d.test.ts: lost\nat a line"],
      exitCode: 1,
    });

    expect(list([failed])).toEqual(["Failed:", "  c.test.ts did not run", "  d.test.ts: lost"]);
  });

  it("says when Vitest failed and nothing says why", () => {
    expect(list([aRun([], { exitCode: 7 }), aRun([], { report: {} })])).toEqual([
      "Failed:",
      "  Vitest ended with exit code 7, and no test says why: its output does",
      "  Vitest ended with exit code 0, and no test says why: its output does",
    ]);
  });

  it("lists apart what passed only at the second try", () => {
    expect(list([aRun([aTest("closes", "passed", "expected 1")])])).toEqual([
      "Passed at the second try:",
      "  packages/a/b.test.ts > closes: expected 1",
    ]);
  });

  it("lists each only once, fifty at most, with at most 300 characters of each", () => {
    const many = Array.from({ length: 52 }, (_, index) => aTest(`test ${index}`, "failed", "x".repeat(400)));

    const lines = list([aRun(many), aRun(many)]);

    expect(lines).toHaveLength(52);
    expect(lines.at(-1)).toBe("  and 2 more");
    expect(lines[1]).toBe(`  ${`packages/a/b.test.ts > test 0: ${"x".repeat(400)}`.slice(0, 300)}…`);
  });
});
