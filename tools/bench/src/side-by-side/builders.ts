import type { Contender } from "./contender.ts";
import type { DrainSummary } from "./drains.ts";
import type { LatencySummary } from "./latencies.ts";
import type { Spread } from "./statistics.ts";

/** Returns a contender that is only inspected. */
export function aContender(id: string, more: Partial<Contender> = {}): Contender {
  return {
    id,
    name: `${id} 1.0`,
    batching: "grouped",
    settings: "batch 100",
    steps: ["taken", "ended"],
    jobs: 10,
    inProcess: false,
    doneSql: "",
    fillSql: "",
    filledWith: "",
    connect: () => {
      throw new Error("not measured here");
    },
    ...more,
  };
}

/** Returns the results of three rounds of a contender. */
export function aDrainSummary(more: Pick<DrainSummary, "contender"> & Partial<DrainSummary>): DrainSummary {
  return {
    rounds: 3,
    jobs: 10,
    jobsPerSecond: aSpread(1_000),
    stepsPerSecond: aSpread(2_000),
    rowsPerSecond: aSpread(4_250),
    clientCpuMsPer1000: 12.3,
    serverCpuMsPer1000: 45.6,
    peakMiB: 78,
    grownKiBPer1000: 90,
    rowsWritten: 4.25,
    commits: 0.125,
    walBytes: 1_234,
    ...more,
  };
}

/** Latencies of three rounds. */
export function aLatencySummary(more: Pick<LatencySummary, "contender"> & Partial<LatencySummary>): LatencySummary {
  return { rate: 50, rounds: 3, jobs: 10, p50Ms: aSpread(1), p99Ms: aSpread(4), overCapacity: false, ...more };
}

/** Returns a range from half to twice the median. */
export function aSpread(median: number): Spread {
  return { median, least: median / 2, most: median * 2 };
}
