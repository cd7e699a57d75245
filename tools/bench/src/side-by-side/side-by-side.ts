import type { BenchPostgres } from "./bench-postgres.ts";
import type { Contender } from "./contender.ts";
import { summarizeLatencies } from "./latency-summary.ts";
import { type DrainResult, measureDrain } from "./measure-drain.ts";
import { type LatencyFigures, type LatencyLoad, measureLatency } from "./measure-latency.ts";
import type { SideBySideSummary } from "./side-by-side-summary.ts";
import { orderOfRound } from "./statistics.ts";
import { summarizeDrains, toRatios } from "./summary.ts";

/** How much is measured. */
export interface SideBySidePlan {
  readonly rounds: number;
  /** Of each contender's own number of jobs. */
  readonly share: number;
  /** One set for all, so that their figures compare. */
  readonly loads: readonly LatencyLoad[];
}

/** What each round found, and what that came to. */
export interface SideBySideResult {
  readonly drains: readonly DrainResult[];
  readonly latencies: readonly LatencyFigures[];
  readonly summary: SideBySideSummary;
}

/** About three minutes of drains and four of latencies. */
export const FULL_PLAN: SideBySidePlan = {
  rounds: 3,
  share: 1,
  loads: [
    { rate: 50, seconds: 4 },
    { rate: 200, seconds: 2 },
  ],
};

/** Shows that all of it works, and nothing else. */
export const QUICK_PLAN: SideBySidePlan = {
  rounds: 1,
  share: 0.01,
  loads: [
    { rate: 10, seconds: 0.5 },
    { rate: 20, seconds: 0.5 },
  ],
};

/** Every contender in turn on one server; the order is turned round with each round. */
export async function measureSideBySide(input: {
  readonly postgres: BenchPostgres;
  readonly contenders: readonly Contender[];
  readonly plan: SideBySidePlan;
  readonly note: (line: string) => void;
}): Promise<SideBySideResult> {
  const { postgres, contenders, plan, note } = input;
  const drains: DrainResult[] = [];
  const latencies: LatencyFigures[] = [];
  for (let round = 0; round < plan.rounds; round += 1) {
    for (const contender of orderOfRound(contenders, round)) {
      const result = await measureDrain(postgres, contender, Math.ceil(contender.jobs * plan.share));
      drains.push(result);
      const rate = Math.round((result.jobs / result.ms) * 1_000);
      note(`round ${round + 1}: ${contender.name}, ${contender.batching}: ${rate} jobs a second`);
      latencies.push(...(await measureLatency(postgres, contender, plan.loads)));
    }
  }
  const resultsOf = ({ id }: Contender) => drains.filter((result) => result.contender === id);
  const summaries = contenders.map((contender) => summarizeDrains(contender, resultsOf(contender)));
  const ours = contenders.filter(({ id }) => id.startsWith("stackyard"));
  return {
    drains,
    latencies,
    summary: {
      drains: summaries,
      ratios: ours.flatMap((contender) => toRatios(contender, contenders, resultsOf)),
      latencies: summarizeLatencies(latencies, summaries),
    },
  };
}
