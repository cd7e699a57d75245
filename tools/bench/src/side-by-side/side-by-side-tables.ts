import type { Table } from "../report.ts";
import type { Batching, Contender } from "./contender.ts";
import type { DrainSummary, Ratio } from "./drains.ts";
import type { LatencySummary } from "./latencies.ts";
import type { Spread } from "./statistics.ts";

const CLASSES: readonly Batching[] = ["one by one", "grouped"];

/** Everything that one run found. */
export interface SideBySideSummary {
  readonly drains: readonly DrainSummary[];
  readonly ratios: readonly Ratio[];
  readonly latencies: readonly LatencySummary[];
}

/** Returns all figures of a run as tables. What a job costs comes before rates, which move with the disk. */
export function toSideBySideTables(summary: SideBySideSummary, contenders: readonly Contender[]): readonly Table[] {
  const nameOf = (id: string) => contenders.find((one) => one.id === id)?.name ?? id;
  const classes = CLASSES.flatMap((batching) => {
    const drains = summary.drains.filter(({ contender }) => contender.batching === batching);
    return drains.length === 0 ? [] : [toCostTable(batching, drains), toThroughputTable(batching, drains)];
  });
  return [
    ...classes,
    ...(summary.ratios.length === 0 ? [] : [toRatioTable(summary.ratios, contenders, nameOf)]),
    ...(summary.latencies.length === 0 ? [] : [toLatencyTable(summary.latencies, contenders)]),
    toSettingsTable(contenders),
  ];
}

function toThroughputTable(batching: Batching, drains: readonly DrainSummary[]): Table {
  return {
    title: `Throughput, ${batching}: medians of ${drains[0]?.rounds ?? 0} rounds (least to most)`,
    head: ["contender", "jobs a second", "rows a second", "durable steps a job", "steps a second"],
    rows: drains.map(({ contender, jobsPerSecond, rowsPerSecond, stepsPerSecond }) => [
      contender.name,
      toSpreadText(jobsPerSecond, 0),
      toSpreadText(rowsPerSecond, 0),
      String(contender.steps.length),
      toSpreadText(stepsPerSecond, 0),
    ]),
  };
}

function toCostTable(batching: Batching, drains: readonly DrainSummary[]): Table {
  return {
    title: `What a job costs, ${batching}: CPU and memory per 1,000 jobs; rows, commits and log of the database per job`,
    head: ["contender", "CPU ms: program", "Postgres", "peak MiB", "KiB more", "rows written", "commits", "WAL bytes"],
    rows: drains.map((row) => [
      row.contender.name,
      toText(row.clientCpuMsPer1000, 0),
      toText(row.serverCpuMsPer1000, 0),
      toText(row.peakMiB, 0),
      toText(row.grownKiBPer1000, 0),
      toText(row.rowsWritten, 1),
      toText(row.commits, 2),
      toText(row.walBytes, 0),
    ]),
  };
}

function toRatioTable(
  ratios: readonly Ratio[],
  contenders: readonly Contender[],
  nameOf: (id: string) => string,
): Table {
  return {
    title: "Stackyard's rate as a share of a peer's, round by round (least to most)",
    head: ["peer", "batching", "by jobs", "by durable steps"],
    rows: ratios.map(({ to, jobs, steps }) => [
      nameOf(to),
      contenders.find(({ id }) => id === to)?.batching ?? "",
      toSpreadText(jobs, 2),
      toSpreadText(steps, 2),
    ]),
  };
}

function toLatencyTable(latencies: readonly LatencySummary[], contenders: readonly Contender[]): Table {
  const rates = [...new Set(latencies.map(({ rate }) => rate))].sort((a, b) => a - b);
  return {
    title: `Start latency: from the call that adds a job, in another process, to the start of its handler; milliseconds, medians of ${latencies[0]?.rounds ?? 0} rounds (least to most)`,
    head: ["contender", "batching", ...rates.flatMap((rate) => [`${rate}/s: p50`, "p99"])],
    rows: contenders
      .filter(({ id }) => latencies.some(({ contender }) => contender === id))
      .map((contender) => [
        contender.inProcess ? `${contender.name} (within one process)` : contender.name,
        contender.batching,
        ...rates.flatMap((rate) => {
          const found = latencies.find((row) => row.contender === contender.id && row.rate === rate);
          if (found === undefined) return ["–", "–"];
          if (found.overCapacity) return ["over capacity", "over capacity"];
          return [toSpreadText(found.p50Ms, 1), toSpreadText(found.p99Ms, 1)];
        }),
      ]),
  };
}

function toSettingsTable(contenders: readonly Contender[]): Table {
  return {
    title: "Settings, and what counts as a durable step of a job that waits",
    head: ["contender", "batching", "settings", "durable steps"],
    rows: contenders.map(({ name, batching, settings, steps }) => [name, batching, settings, steps.join(", ")]),
  };
}

function toSpreadText({ median, least, most }: Spread, digits: number): string {
  return `${toText(median, digits)} (${toText(least, digits)}–${toText(most, digits)})`;
}

function toText(value: number, digits: number): string {
  return value.toLocaleString("en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
