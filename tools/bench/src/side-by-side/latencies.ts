import type { BenchPostgres } from "./bench-postgres.ts";
import type { Contender } from "./contender.ts";
import type { Instants } from "./contender-calls.ts";
import { type ContenderChild, withContender } from "./contender-child.ts";
import type { DrainSummary } from "./drains.ts";
import { quantile, type Spread, toSpread } from "./statistics.ts";

/** From the call that adds a job, in one process, to the start of its handler, in another. */
export interface LatencyFigures {
  readonly contender: string;
  /** Jobs a second, each added by a call of its own. */
  readonly rate: number;
  readonly jobs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** How many jobs come, and how fast. */
export interface LatencyLoad {
  readonly rate: number;
  readonly seconds: number;
}

const POLL_MS = 20;
const LIMIT_MS = 60_000;

/** What a contender starts: `warmUp` is not measured, each of the loads is. */
export interface LatencyPlan {
  readonly warmUp: LatencyLoad;
  readonly loads: readonly LatencyLoad[];
}

/** Measures each load in turn, on one database, with the worker idle before each. */
export function measureLatency(
  postgres: BenchPostgres,
  contender: Contender,
  { warmUp, loads }: LatencyPlan,
): Promise<readonly LatencyFigures[]> {
  return withContender(postgres, contender, async ({ worker, adder, url }) => {
    await worker.call("listen", undefined);
    const figures: LatencyFigures[] = [];
    let first = 0;
    const start = async ({ rate, seconds }: LatencyLoad) => {
      await postgres.settle(url);
      const count = Math.ceil(rate * seconds);
      const waits = await play({ worker, adder }, { first, rate, count });
      first += count;
      return waits;
    };
    await start(warmUp);
    for (const load of loads) {
      const waits = await start(load);
      figures.push({
        contender: contender.id,
        rate: load.rate,
        jobs: waits.length,
        p50Ms: quantile(waits, 0.5),
        p99Ms: quantile(waits, 0.99),
      });
    }
    return figures;
  });
}

async function play(
  { worker, adder }: { readonly worker: ContenderChild; readonly adder: ContenderChild },
  input: { readonly first: number; readonly rate: number; readonly count: number },
): Promise<readonly number[]> {
  const sent = await adder.call("addEvenly", input);
  const limitAt = Date.now() + LIMIT_MS;
  while ((await worker.call("countStarts", undefined)) < input.count) {
    if (Date.now() > limitAt) throw new Error(`Not all of ${input.count} jobs started within ${LIMIT_MS} ms.`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return toWaits(sent, await worker.call("takeStarts", undefined));
}

/** Returns how long each job waited, in milliseconds. */
export function toWaits(sent: Instants, started: Instants): readonly number[] {
  const startedAt = new Map(started);
  return sent.map(([index, at]) => {
    const start = startedAt.get(index);
    if (start === undefined) throw new Error(`Job ${index} did not start.`);
    return start - at;
  });
}

/** The latencies of one contender at one rate, over all rounds. */
export interface LatencySummary {
  readonly contender: string;
  /** Jobs a second. */
  readonly rate: number;
  readonly rounds: number;
  /** In each round. */
  readonly jobs: number;
  readonly p50Ms: Spread;
  readonly p99Ms: Spread;
  /** Jobs came faster than it can work them: that is a queue which grows, and no latency. */
  readonly overCapacity: boolean;
}

/** Returns one summary for each contender and rate, in the order in which they were first measured. */
export function summarizeLatencies(
  figures: readonly LatencyFigures[],
  drains: readonly DrainSummary[],
): readonly LatencySummary[] {
  const rateOf = (id: string) => drains.find(({ contender }) => contender.id === id)?.jobsPerSecond.median;
  const groups = Map.groupBy(figures, ({ contender, rate }) => `${contender} ${rate}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { contender, rate, jobs } = first;
    const capacity = rateOf(contender) ?? Number.POSITIVE_INFINITY;
    return [
      {
        contender,
        rate,
        jobs,
        rounds: group.length,
        overCapacity: capacity < rate,
        p50Ms: toSpread(group.map(({ p50Ms }) => p50Ms)),
        p99Ms: toSpread(group.map(({ p99Ms }) => p99Ms)),
      },
    ];
  });
}
