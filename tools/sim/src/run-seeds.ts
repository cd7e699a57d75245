import { PLANTED_BUGS, printTest, runSeed, type SimulationRun, shrinkRun } from "@stackyard/core/testing";
import type { SimArguments } from "./parse-arguments.ts";
import { addRun, NO_RUNS, printSummary, type Summary } from "./summary.ts";

/** Where a run of many seeds writes to, and the time that it takes. */
export interface SimOutput {
  /** A line of the result. */
  result(line: string): void;
  /** How far it is. */
  progress(line: string): void;
  /** Milliseconds. */
  now(): number;
}

// After so many failing seeds there is enough to look at.
const MAX_FAILURES = 5;
const PROGRESS_MS = 5_000;

/** Runs one seed after the other. Gives the exit code: 0 when all invariants held. */
export async function runSeeds(input: SimArguments, output: SimOutput): Promise<0 | 1> {
  const startedAt = output.now();
  const seconds = () => (output.now() - startedAt) / 1_000;
  let summary = NO_RUNS;
  let toldAt = startedAt;
  for (let seed = input.from; seed < input.from + input.seeds; seed += 1) {
    if (seconds() >= input.seconds || summary.failed >= MAX_FAILURES) break;
    const run = await runSeed(seed, toOptions(input, output));
    summary = addRun(summary, run);
    if (run.violations.length > 0) await tellFailure(run, input, output);
    if (output.now() - toldAt < PROGRESS_MS) continue;
    toldAt = output.now();
    output.progress(`${summary.seeds} of ${input.seeds} seeds, ${summary.failed} failed`);
  }
  tellSummary(summary, seconds(), input, output);
  return summary.failed === 0 ? 0 : 1;
}

function toOptions({ bug, trace }: SimArguments, { result }: SimOutput) {
  return { ...findPlant(bug), ...(trace ? { onStep: result } : {}) };
}

function findPlant(bug: string | undefined) {
  const found = PLANTED_BUGS.find(({ name }) => name === bug);
  return found === undefined ? {} : { plant: found.plant };
}

async function tellFailure(run: SimulationRun, { json, bug }: SimArguments, output: SimOutput): Promise<void> {
  const { seed } = run.plan;
  const [violation] = run.violations;
  output.progress(`Seed ${seed} breaks ${violation?.invariant}; its plan is being cut down.`);
  const small = await shrinkRun(run, findPlant(bug));
  const told = small.violations[0];
  if (json) return output.result(JSON.stringify({ kind: "failure", seed, ...told, plan: small.plan }));
  output.result(`Seed ${seed} breaks ${told?.invariant}: ${told?.sentence}\n\n${printTest(small)}`);
}

function tellSummary(summary: Summary, seconds: number, { json }: SimArguments, { result }: SimOutput): void {
  result(json ? JSON.stringify({ kind: "summary", ...summary, seconds }) : printSummary(summary, seconds));
}
