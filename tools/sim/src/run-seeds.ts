import { defined } from "@stackyard/core";
import { PLANTED_BUGS, printTest, runSeed, type SimulationRun, shrinkRun } from "@stackyard/core/testing";
import type { SimArguments } from "./parse-arguments.ts";
import { addRun, NO_RUNS, printSummary, type Summary } from "./summary.ts";

/** Where a run of many seeds writes, and its clock. */
export interface SimOutput {
  /** Prints a line of the result. */
  result(line: string): void;
  /** Prints a line about the progress. */
  progress(line: string): void;
  /** Returns milliseconds. */
  now(): number;
}

// After so many failing seeds there is enough to look at.
const MAX_FAILURES = 5;
const PROGRESS_MS = 5_000;

/** Runs the seeds in order, and minimizes the plans that fail. Returns the exit code: 0 when all invariants held. */
export async function runSeeds(input: SimArguments, output: SimOutput, shrink = shrinkRun): Promise<0 | 1> {
  const startedAt = output.now();
  const seconds = () => (output.now() - startedAt) / 1_000;
  let summary = NO_RUNS;
  let reportedAt = startedAt;
  for (let seed = input.from; seed < input.from + input.seeds; seed += 1) {
    if (seconds() >= input.seconds || summary.failed >= MAX_FAILURES) break;
    const run = await runSeed(seed, toOptions(input, output));
    summary = addRun(summary, run);
    if (run.violations.length > 0) {
      output.progress(`Seed ${seed} breaks ${run.violations[0]?.invariant}; its plan is being minimized.`);
      reportFailure(await shrink(run, findPlant(input.bug)), input, output);
    }
    if (output.now() - reportedAt < PROGRESS_MS) continue;
    reportedAt = output.now();
    output.progress(`${summary.seeds} of ${input.seeds} seeds, ${summary.failed} failed`);
  }
  reportSummary(summary, seconds(), input, output);
  return summary.failed === 0 ? 0 : 1;
}

function toOptions({ bug, trace }: SimArguments, { result }: SimOutput) {
  return { ...findPlant(bug), ...(trace ? { onStep: result } : {}) };
}

function findPlant(bug: string | undefined) {
  const found = PLANTED_BUGS.find(({ name }) => name === bug);
  return defined({ plant: found?.plant });
}

function reportFailure(small: SimulationRun, { json }: SimArguments, { result }: SimOutput): void {
  const { seed } = small.plan;
  const [violation] = small.violations;
  result(
    json
      ? JSON.stringify({ kind: "failure", seed, ...violation, plan: small.plan })
      : `Seed ${seed} breaks ${violation?.invariant}: ${violation?.sentence}\n\n${printTest(small)}`,
  );
}

function reportSummary(summary: Summary, seconds: number, { json }: SimArguments, { result }: SimOutput): void {
  result(json ? JSON.stringify({ kind: "summary", ...summary, seconds }) : printSummary(summary, seconds));
}
