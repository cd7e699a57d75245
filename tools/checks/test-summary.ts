/** How many tests passed and failed. Skipped tests are neither. */
export interface TestSummary {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** What is read of a JSON report of Vitest. */
export interface VitestReport {
  readonly success?: boolean;
  readonly testResults?: readonly {
    /** The path of the file. */
    readonly name?: string;
    readonly status: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName?: string;
      readonly title?: string;
      readonly failureMessages?: readonly string[] | null;
    }[];
  }[];
}

/**
 * Counts the tests of a Vitest JSON report. A file that failed without a failed test (it could not be loaded), a run
 * that failed for another reason, and a run without any test each count as one failure.
 */
export function toTestSummary(report: VitestReport, exitCode: number): TestSummary {
  const files = report.testResults ?? [];
  const count = (...statuses: string[]) =>
    files.flatMap((file) => file.assertionResults).filter((test) => statuses.includes(test.status)).length;
  const brokenFiles = files.filter(
    (file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
  ).length;
  const passed = count("passed");
  const failed = count("failed") + brokenFiles;
  const otherwiseFailed = failed === 0 && (exitCode !== 0 || report.success === false || passed === 0);
  return { passed, failed: otherwiseFailed ? 1 : failed, skipped: count("skipped", "pending", "todo", "disabled") };
}

/** Counts several runs as one. */
export function addSummaries(summaries: readonly TestSummary[]): TestSummary {
  const add = (key: keyof TestSummary) => summaries.reduce((sum, each) => sum + each[key], 0);
  return { passed: add("passed"), failed: add("failed"), skipped: add("skipped") };
}
