import type { BenchPostgres } from "./bench-postgres.ts";
import type { Contender } from "./contender.ts";
import { type DrainResult, measureDrain } from "./measure-drain.ts";
import { type LatencyFigures, type LatencyLoad, measureLatency } from "./measure-latency.ts";
import { orderOfRound } from "./statistics.ts";
import { type SideBySideSummary, summarizeDrains, toRatios } from "./summary.ts";

/** How much is measured. */
export interface SideBySidePlan {
  readonly rounds: number;
  /** Of each contender's own number of jobs. */
  readonly share: number;
  readonly idle: LatencyLoad;
  readonly halfSeconds: number;
}

/** Every drain, and what they and the latencies came to. */
export interface SideBySideResult {
  readonly drains: readonly DrainResult[];
  readonly summary: SideBySideSummary;
}

/** Under two minutes of drains and about as much of latencies. */
export const FULL_PLAN: SideBySidePlan = {
  rounds: 3,
  share: 1,
  idle: { rate: 50, seconds: 5 },
  halfSeconds: 4,
};

/** Shows that all of it works, and nothing else. */
export const QUICK_PLAN: SideBySidePlan = {
  rounds: 1,
  share: 0.01,
  idle: { rate: 20, seconds: 0.5 },
  halfSeconds: 0.5,
};

const MOST_PER_SECOND = 500;

/** Every contender in turn on one server; the order is turned round with each round. */
export async function measureSideBySide(input: {
  readonly postgres: BenchPostgres;
  readonly contenders: readonly Contender[];
  readonly plan: SideBySidePlan;
  readonly note: (line: string) => void;
}): Promise<SideBySideResult> {
  const { postgres, contenders, plan, note } = input;
  const drains: DrainResult[] = [];
  for (let round = 0; round < plan.rounds; round += 1) {
    for (const contender of orderOfRound(contenders, round)) {
      const result = await measureDrain(postgres, contender, Math.ceil(contender.jobs * plan.share));
      drains.push(result);
      const rate = Math.round((result.jobs / result.ms) * 1_000);
      note(`round ${round + 1}: ${contender.name}, ${contender.batching}: ${rate} jobs a second`);
    }
  }
  const resultsOf = ({ id }: Contender) => drains.filter((result) => result.contender === id);
  const summaries = contenders.map((contender) => summarizeDrains(contender, resultsOf(contender)));
  // One rate for all, so that the figures compare: half of what the slowest of them can do, as far as one program adds that.
  const slowest = Math.min(...summaries.map(({ jobsPerSecond }) => jobsPerSecond.median));
  const half = Math.min(MOST_PER_SECOND, Math.max(2 * plan.idle.rate, Math.floor(slowest / 2)));
  const loads = [plan.idle, { rate: half, seconds: plan.halfSeconds }];
  const latencies: LatencyFigures[] = [];
  for (const contender of contenders) {
    note(`start latency: ${contender.name}, ${contender.batching}`);
    latencies.push(...(await measureLatency(postgres, contender, loads)));
  }
  const ours = contenders.filter(({ id }) => id.startsWith("stackyard"));
  return {
    drains,
    summary: {
      drains: summaries,
      ratios: ours.flatMap((contender) => toRatios(contender, contenders, resultsOf)),
      latencies,
    },
  };
}
