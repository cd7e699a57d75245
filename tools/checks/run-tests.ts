import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execute, openTemp } from "./execute.ts";
import type { TestsResult } from "./failures.ts";
import { repositoryRoot } from "./published-packages.ts";
import { addSummaries, type TestSummary, toTestSummary, type VitestReport } from "./test-summary.ts";
import { FIRST_TAGS, type TieredFile } from "./tiers.ts";

/** Files of tests that one process of Vitest runs. */
export interface Batch {
  readonly files: readonly TieredFile[];
  /** What its tests are, in words. */
  readonly noun: string;
  /** Which of their tests; all when it is left out. */
  readonly tags?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** What a batch gave. */
export interface BatchResult extends TestsResult {
  readonly batch: Batch;
  readonly summary: TestSummary;
}

/**
 * Returns the tests of `npm test`: all unit tests, with fewer drawn cases, and of the others those with a tag. `isAll` returns
 * all tests, with all cases; those of `npm test` come first. With a commit, the stories of one area meet more weather.
 */
export function toBatches(files: readonly TieredFile[], isAll: boolean, commit = ""): readonly Batch[] {
  // Not tests of types: the check of types compiles these files, too.
  const units = files.filter(({ project }) => project === "unit");
  const others = files.filter(({ project }) => project !== "unit" && project !== "types");
  const first = others.filter(({ tier }) => tier === "first");
  const rest = others.filter(({ tier }) => tier === "rest");
  const quick = { env: { QUICK_TESTS: "1" } };
  const area = commit === "" ? undefined : chooseArea(units, commit);
  const inArea = { files: units.filter((file) => file === area), noun: "stories of this commit" };
  const batches: readonly Batch[] = isAll
    ? [
        { files: units, noun: "unit tests" },
        { files: first, noun: "tests with a tag" },
        { files: rest, noun: "other tests" },
      ]
    : [
        { files: units.filter((file) => file !== area), noun: "unit tests", ...quick },
        { ...inArea, env: { ...quick.env, WEATHER: "area" } },
        { files: first, noun: "tests with a tag", tags: FIRST_TAGS, ...quick },
      ];
  return batches.filter((batch) => batch.files.length > 0);
}

/** Returns the file of the stories whose turn it is: over some commits, each has one. */
function chooseArea(files: readonly TieredFile[], commit: string): TieredFile | undefined {
  const areas = files.filter(({ path }) => path.endsWith("weather.promise.test.ts"));
  const number = createHash("sha256").update(commit).digest().readUInt32BE();
  return areas.toSorted((one, other) => (one.path < other.path ? -1 : 1))[number % areas.length];
}

let runs = 0;

/** Runs a batch. A file that Vitest did not run counts as a failure. */
export async function runBatch(batch: Batch): Promise<BatchResult> {
  runs += 1;
  const file = join(openTemp(), `report-${runs}.json`);
  const errors = join(openTemp(), `errors-${runs}.json`);
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
  reporters.push(`--reporter=${join(repositoryRoot, "tools/checks/other-errors.ts")}`, `--outputFile.errors=${errors}`);
  const projects = [...new Set(batch.files.map(({ project }) => project))].flatMap((name) => ["--project", name]);
  const tags = batch.tags === undefined ? [] : [`--tags-filter=${batch.tags}`];
  const paths = batch.files.map(({ path }) => join(repositoryRoot, path));
  const command = ["vitest", "run", ...projects, ...tags, ...reporters, ...paths] as const;
  const { exitCode } = await execute(command, { live: true, ...(batch.env && { env: batch.env }) });
  const report: VitestReport = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
  const ran = new Set(report.testResults?.map(({ name }) => name));
  const left = paths.filter((path) => !ran.has(path));
  const otherErrors: readonly string[] = existsSync(errors) ? JSON.parse(readFileSync(errors, "utf8")) : [];
  const summary = addSummaries([toTestSummary(report, exitCode), { passed: 0, failed: left.length, skipped: 0 }]);
  return { batch, report, summary, left, otherErrors, exitCode };
}

/** Returns the files of which everything has passed, by their paths from the root; none when only something outside of tests failed. */
export function listPassed({ batch, report, summary }: Pick<BatchResult, "batch" | "report" | "summary">): string[] {
  const results = report.testResults ?? [];
  const hasPassed = ({ status, assertionResults }: (typeof results)[number]) =>
    status === "passed" && assertionResults.every((test) => test.status !== "failed");
  if (summary.failed > 0 && results.every(hasPassed)) return [];
  const passed = new Set(results.filter(hasPassed).map(({ name }) => name));
  return batch.files.map(({ path }) => path).filter((path) => passed.has(join(repositoryRoot, path)));
}
