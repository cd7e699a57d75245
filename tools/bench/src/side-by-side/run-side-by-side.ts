import { publish, type ReportOptions, toMachineLine } from "../report.ts";
import { type BenchPostgres, startBenchPostgres } from "./bench-postgres.ts";
import type { Contender } from "./contender.ts";
import { loadContenders } from "./contenders.ts";
import { type DrainResult, measureDrain, summarizeDrains, toRatios } from "./drains.ts";
import { GROWTH_PLAN, type GrowthFigures, measureGrowth, QUICK_GROWTH_PLAN, toGrowthTable } from "./growth.ts";
import { type LatencyFigures, type LatencyPlan, measureLatency, summarizeLatencies } from "./latencies.ts";
import { type SideBySideSummary, toSideBySideTables } from "./side-by-side-tables.ts";
import { orderOfRound } from "./statistics.ts";

/** The options of the command line. */
interface SideBySideOptions extends ReportOptions {
  /** Ids of contenders; default: all. */
  readonly only?: readonly string[];
}

/** Measures throughput, cost and latency of all contenders on one fresh server. */
export function runSideBySide(options: SideBySideOptions): Promise<void> {
  return withServer(options, async (postgres, contenders) => {
    const plan = options.quick ? QUICK_PLAN : FULL_PLAN;
    const figures = await measureSideBySide(postgres, contenders, plan);
    const tables = toSideBySideTables(figures.summary, contenders);
    publish(options, { ...describe(postgres, "side by side", "--side-by-side"), tables, figures });
  });
}

/** Measures the cost of a job with more and more rows, for the contenders that work in groups. */
export function runGrowth(options: SideBySideOptions): Promise<void> {
  return withServer(options, async (postgres, contenders) => {
    const grouped = contenders.filter(({ batching }) => batching === "grouped");
    const growth: GrowthFigures[] = [];
    for (const contender of grouped) {
      note(`growth: ${contender.name}`);
      growth.push(...(await measureGrowth(postgres, contender, options.quick ? QUICK_GROWTH_PLAN : GROWTH_PLAN)));
    }
    const tables = [toGrowthTable(growth, grouped)];
    publish(options, { ...describe(postgres, "growth", "--growth"), tables, figures: { growth } });
  });
}

async function withServer(
  { only }: SideBySideOptions,
  measure: (postgres: BenchPostgres, contenders: readonly Contender[]) => Promise<void>,
): Promise<void> {
  const chosen = (await loadContenders()).filter(({ id }) => only?.includes(id) ?? true);
  const postgres = await startBenchPostgres();
  try {
    await measure(postgres, chosen);
  } finally {
    await postgres.stop();
  }
}

function describe({ version }: BenchPostgres, section: string, command: string) {
  const server = `PostgreSQL ${version} with its default settings (fsync and synchronous_commit on)`;
  return { section, command, machine: toMachineLine(server) };
}

function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** How much is measured. */
interface SideBySidePlan {
  readonly rounds: number;
  /** Of each contender's own number of jobs. */
  readonly share: number;
  /** One for all, so that their figures compare. */
  readonly starts: LatencyPlan;
}

/** What each round found, and what that came to. */
interface SideBySideResult {
  readonly drains: readonly DrainResult[];
  readonly latencies: readonly LatencyFigures[];
  readonly summary: SideBySideSummary;
}

/** About five minutes of drains and six of latencies. */
const FULL_PLAN: SideBySidePlan = {
  rounds: 3,
  share: 1,
  starts: {
    warmUp: { rate: 200, seconds: 5 },
    loads: [
      { rate: 50, seconds: 4 },
      { rate: 200, seconds: 4 },
    ],
  },
};

/** Shows that all of it works, and nothing else. */
const QUICK_PLAN: SideBySidePlan = {
  rounds: 1,
  share: 0.01,
  starts: {
    warmUp: { rate: 20, seconds: 0.2 },
    loads: [
      { rate: 10, seconds: 0.5 },
      { rate: 20, seconds: 0.5 },
    ],
  },
};

/** Runs every contender in turn on one server; each round reverses the order. */
async function measureSideBySide(
  postgres: BenchPostgres,
  contenders: readonly Contender[],
  plan: SideBySidePlan,
): Promise<SideBySideResult> {
  const drains: DrainResult[] = [];
  const latencies: LatencyFigures[] = [];
  for (let round = 0; round < plan.rounds; round += 1) {
    for (const contender of orderOfRound(contenders, round)) {
      const result = await measureDrain(postgres, contender, Math.ceil(contender.jobs * plan.share));
      drains.push(result);
      const rate = Math.round((result.jobs / result.ms) * 1_000);
      note(`round ${round + 1}: ${contender.name}, ${contender.batching}: ${rate} jobs a second`);
      latencies.push(...(await measureLatency(postgres, contender, plan.starts)));
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
