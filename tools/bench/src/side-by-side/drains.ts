import { type BenchPostgres, type DatabaseFigures, readDatabaseFigures, subtractFigures } from "./bench-postgres.ts";
import type { Contender } from "./contender.ts";
import type { DrainFigures } from "./contender-calls.ts";
import { type Processes, withContender } from "./contender-child.ts";
import { median, type Spread, toSpread } from "./statistics.ts";

/** One drain of one contender. */
export interface DrainResult extends DrainFigures {
  readonly contender: string;
  readonly database: DatabaseFigures;
}

/** How a drain is measured. */
interface DrainPlan<Figures> {
  readonly jobs: number;
  readonly warmUp: number;
  /** Brings what jobs are kept in into its steady state. */
  settle(): Promise<void>;
  /** Reads what the server has done so far. */
  read(): Promise<Figures>;
}

/** Jobs wait in an empty place; after a warm-up, a process that has just connected works them all, and ends. */
export async function drainAll<Figures>(
  { worker, adder }: Processes,
  { jobs, warmUp, settle, read }: DrainPlan<Figures>,
): Promise<{ readonly drained: DrainFigures; readonly before: Figures; readonly after: Figures }> {
  await adder.call("addMany", { first: 0, count: warmUp, spread: 0 });
  await worker.call("drain", { jobs: warmUp });
  await adder.call("addMany", { first: warmUp, count: jobs, spread: 0 });
  // Sessions of the one who added report what they wrote when they end.
  if (adder !== worker) await adder.end();
  await settle();
  const before = await read();
  const drained = await worker.call("drain", { jobs });
  await worker.end();
  return { drained, before, after: await read() };
}

const WARM_UP_SHARE = 0.1;

/** Measures a drain of a contender in a database of its own. */
export function measureDrain(postgres: BenchPostgres, contender: Contender, jobs: number): Promise<DrainResult> {
  return withContender(postgres, contender, async ({ url, ...processes }) => {
    const { drained, before, after } = await drainAll(processes, {
      jobs,
      warmUp: Math.ceil(jobs * WARM_UP_SHARE),
      settle: () => postgres.settle(url),
      read: () => readDatabaseFigures(url),
    });
    return { contender: contender.id, ...drained, database: subtractFigures(after, before) };
  });
}

/** The result of all drains of one contender; values other than rates are per job. */
export interface DrainSummary {
  readonly contender: Contender;
  readonly rounds: number;
  readonly jobs: number;
  readonly jobsPerSecond: Spread;
  readonly stepsPerSecond: Spread;
  readonly rowsPerSecond: Spread;
  readonly clientCpuMsPer1000: number;
  readonly serverCpuMsPer1000: number;
  readonly peakMiB: number;
  readonly grownKiBPer1000: number;
  readonly rowsWritten: number;
  readonly commits: number;
  readonly walBytes: number;
}

/** One contender's rate as a share of another's, taken round by round. */
export interface Ratio {
  readonly of: string;
  readonly to: string;
  readonly jobs: Spread;
  readonly steps: Spread;
}

/** Returns the drains of one contender in the order of the rounds. */
export function summarizeDrains(contender: Contender, results: readonly DrainResult[]): DrainSummary {
  const rate = (result: DrainResult) => (result.jobs / result.ms) * 1_000;
  const perJob = (of: (result: DrainResult) => number) => median(results.map((result) => of(result) / result.jobs));
  return {
    contender,
    rounds: results.length,
    jobs: results[0]?.jobs ?? 0,
    jobsPerSecond: toSpread(results.map(rate)),
    stepsPerSecond: toSpread(results.map((result) => rate(result) * contender.steps.length)),
    rowsPerSecond: toSpread(results.map(({ database, ms }) => (database.rowsWritten / ms) * 1_000)),
    clientCpuMsPer1000: perJob((result) => result.clientCpuMs) * 1_000,
    serverCpuMsPer1000: perJob((result) => result.serverCpuMs) * 1_000,
    peakMiB: median(results.map((result) => result.peakMiB)),
    grownKiBPer1000: perJob((result) => result.grownMiB * 1_024) * 1_000,
    rowsWritten: perJob((result) => result.database.rowsWritten),
    commits: perJob((result) => result.database.commits),
    walBytes: perJob((result) => result.database.walBytes),
  };
}

/** Compares `of` to each other contender of its class; what slowed one round slowed both. */
export function toRatios(
  of: Contender,
  others: readonly Contender[],
  resultsOf: (contender: Contender) => readonly DrainResult[],
): readonly Ratio[] {
  const ours = resultsOf(of);
  return others
    .filter((other) => other.id !== of.id && other.batching === of.batching)
    .map((other) => {
      const theirs = resultsOf(other);
      const jobs = ours.flatMap((result, round) => {
        const peer = theirs[round];
        return peer === undefined ? [] : [result.jobs / result.ms / (peer.jobs / peer.ms)];
      });
      const stepShare = of.steps.length / other.steps.length;
      return {
        of: of.id,
        to: other.id,
        jobs: toSpread(jobs),
        steps: toSpread(jobs.map((share) => share * stepShare)),
      };
    });
}
