import type { Table } from "../report.ts";
import { type BenchPostgres, withClient } from "./bench-postgres.ts";
import type { Contender } from "./contender.ts";
import type { DrainFigures } from "./contender-calls.ts";
import { withContender } from "./contender-child.ts";
import { median } from "./statistics.ts";

/** The cost of a job in a store with the given number of older rows. */
export interface GrowthFigures {
  readonly contender: string;
  readonly rows: number;
  readonly jobs: number;
  /** Median over the drains. */
  readonly microsecondsEach: number;
  readonly leastMicroseconds: number;
  readonly mostMicroseconds: number;
  /** Of the program and of Postgres: what the disk and a neighbour on the machine do not disturb. */
  readonly cpuMicrosecondsEach: number;
}

/** How far it is measured. */
interface GrowthPlan {
  /** Rising. */
  readonly sizes: readonly number[];
  /** Of each contender's own number of jobs; ours are ten a stack, and the smallest size has a stack for each ten. */
  readonly share: number;
  readonly drains: number;
}

/** To a million, in some ten minutes. */
export const GROWTH_PLAN: GrowthPlan = { sizes: [1_000, 10_000, 100_000, 1_000_000], share: 1 / 6, drains: 5 };

/** Shows that all of it works, and nothing else. */
export const QUICK_GROWTH_PLAN: GrowthPlan = { sizes: [100, 1_000], share: 0.01, drains: 1 };

const FILL_BATCH = 100_000;

/** Drains the same number of jobs again and again while the tables grow by work that was done before. */
export function measureGrowth(
  postgres: BenchPostgres,
  contender: Contender,
  { sizes, share, drains }: GrowthPlan,
): Promise<readonly GrowthFigures[]> {
  return withContender(postgres, contender, async ({ worker, adder, url }) => {
    const jobs = Math.ceil(contender.jobs * share);
    let added = 0;
    const drain = async (spread: number) => {
      await adder.call("addMany", { first: added, count: jobs, spread });
      added += jobs;
      await postgres.settle(url);
      return worker.call("drain", { jobs });
    };
    await drain(0);
    const figures: GrowthFigures[] = [];
    let filled = 0;
    for (const rows of sizes) {
      await fill(url, contender, filled, rows);
      filled = rows;
      const drained: DrainFigures[] = [];
      for (let index = 0; index < drains; index += 1) drained.push(await drain(rows));
      const each = drained.map(({ ms }) => (ms / jobs) * 1_000);
      figures.push({
        contender: contender.id,
        rows,
        jobs,
        microsecondsEach: median(each),
        leastMicroseconds: Math.min(...each),
        mostMicroseconds: Math.max(...each),
        cpuMicrosecondsEach: median(drained.map((one) => ((one.clientCpuMs + one.serverCpuMs) / jobs) * 1_000)),
      });
    }
    return figures;
  });
}

function fill(url: string, contender: Contender, from: number, to: number): Promise<void> {
  return withClient(url, async (client) => {
    for (let start = from; start < to; start += FILL_BATCH) {
      await client.query(contender.fillSql, [start, Math.min(to, start + FILL_BATCH)]);
    }
  });
}

/** Returns the cost of a job at each size, and the last size as a multiple of the first. */
export function toGrowthTable(figures: readonly GrowthFigures[], contenders: readonly Contender[]): Table {
  const sizes = [...new Set(figures.map(({ rows }) => rows))].sort((a, b) => a - b);
  return {
    title:
      "Growth: microseconds a job with so many rows of older work (least to most), and the last as a multiple of the first, by time and by CPU",
    head: ["contender", "rows", ...sizes.map((size) => size.toLocaleString("en-GB")), "growth", "of its CPU"],
    rows: contenders.map((contender) => {
      const own = sizes.map((size) => figures.find(({ rows, contender: id }) => id === contender.id && rows === size));
      const [first, last] = [own[0], own.at(-1)];
      const growth = first && last ? last.microsecondsEach / first.microsecondsEach : undefined;
      const ofCpu = first && last ? last.cpuMicrosecondsEach / first.cpuMicrosecondsEach : undefined;
      return [contender.name, contender.filledWith, ...own.map(toCell), toMultiple(growth), toMultiple(ofCpu)];
    }),
  };
}

function toMultiple(value: number | undefined): string {
  return value === undefined ? "–" : value.toFixed(2);
}

function toCell(figures: GrowthFigures | undefined): string {
  if (figures === undefined) return "–";
  const { microsecondsEach, leastMicroseconds, mostMicroseconds } = figures;
  return `${microsecondsEach.toFixed(0)} (${leastMicroseconds.toFixed(0)}–${mostMicroseconds.toFixed(0)})`;
}
