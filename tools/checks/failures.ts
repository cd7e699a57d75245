import { stripVTControlCharacters } from "node:util";
import type { VitestReport } from "./test-summary.ts";

// What a run ends with, as those who see only its last lines need it.

/** How many failures are listed, and how much of each. */
const MOST_LINES = 50;
const MOST_CHARACTERS = 300;
const LINES_OF_CHECK = 5;

/** What a check gave. */
export interface CheckResult {
  readonly name: string;
  readonly ok: boolean;
  readonly output: string;
}

/** What one process of Vitest gave. */
export interface TestsResult {
  readonly report: VitestReport;
  /** The paths of files that did not run. */
  readonly left: readonly string[];
  /** Errors that no test has. */
  readonly otherErrors: readonly string[];
  readonly exitCode: number;
}

/** What a run gave. */
export interface RunResult {
  readonly checks: readonly CheckResult[];
  readonly tests: readonly TestsResult[];
  /** The folder from which paths are shown. */
  readonly root: string;
}

/** Returns the lines of what failed and of what passed only at the second try; none when all is well. */
export function listFailures({ checks, tests, root }: RunResult): string[] {
  const ofChecks = checks.filter(({ ok }) => !ok).flatMap(toCheckLines);
  const failed = [...ofChecks, ...tests.flatMap(toTestLines)];
  const secondTries = tests.flatMap(({ report }) => listTests(report, "passed"));
  const show = (title: string, lines: readonly string[]) => {
    const shown = [...new Set(lines)].map((line) => `  ${toLine(line, root)}`);
    if (shown.length === 0) return [];
    const more = shown.length - MOST_LINES;
    return [title, ...shown.slice(0, MOST_LINES), ...(more > 0 ? [`  and ${more} more`] : [])];
  };
  return [...show("Failed:", failed), ...show("Passed at the second try:", secondTries)];
}

function toCheckLines({ name, output }: CheckResult): string[] {
  const lines = output.split("\n").filter((line) => line.trim() !== "");
  return [`check: ${name}`, ...lines.slice(0, LINES_OF_CHECK).map((line) => `  ${name}: ${line.trim()}`)];
}

function toTestLines({ report, left, otherErrors, exitCode }: TestsResult): string[] {
  const lines = [...listTests(report, "failed"), ...left.map((path) => `${path} did not run`), ...otherErrors];
  const isOtherwise = lines.length === 0 && (exitCode !== 0 || report.success !== true);
  return isOtherwise ? [`Vitest ended with exit code ${exitCode}, and no test says why: its output does`] : lines;
}

/** Returns one line for each test with this status that failed, at least at the first try. */
function listTests({ testResults = [] }: VitestReport, status: "passed" | "failed"): string[] {
  return testResults.flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter((test) => test.status === status)
      .flatMap(({ fullName, failureMessages }) => {
        const [message] = failureMessages ?? [];
        return message === undefined && status === "passed" ? [] : `${name} > ${fullName}: ${message ?? "no message"}`;
      }),
  );
}

/** Returns the first line of a text, without colours, with paths from the root. */
function toLine(text: string, root: string): string {
  const [line = ""] = stripVTControlCharacters(text).split("\n");
  const short = line.replaceAll(`${root}/`, "");
  return short.length > MOST_CHARACTERS ? `${short.slice(0, MOST_CHARACTERS)}…` : short;
}
