import type { LatencyFigures } from "./measure-latency.ts";
import { type Spread, toSpread } from "./statistics.ts";
import type { DrainSummary } from "./summary.ts";

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

/** One summary for each contender and rate, in the order in which they were first measured. */
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
