import type { Spread } from "../side-by-side/statistics.ts";
import type { Table } from "../side-by-side/table.ts";
import type { ArtifactFigures, MessageFigures } from "./artifact-figures.ts";
import { judgeBudget } from "./judge-budget.ts";

/** What was promised. */
export const BUDGETS = {
  plan: { most: 1, unit: "s" },
  memory: { most: 150, unit: "MB" },
  publication: { most: 1.3, unit: "×" },
} as const;

/** The figures as people read them. */
export function toArtifactTables(figures: ArtifactFigures): readonly Table[] {
  return [
    toPlanTable(figures),
    toMessageTable("Measured: messages a second, beside what has to be done anyhow", [
      ...figures.messages,
      ...figures.decisions,
    ]),
    toCopyTable(figures),
    toMemoryTable(figures),
    toPublicationTable(figures),
  ];
}

function toPlanTable({ plans }: ArtifactFigures): Table {
  return {
    title: "Measured: planning who is sent what and when, without sending; medians (least to most)",
    head: ["account/region pairs", "versions", "files of each", "messages", "seconds", "budget"],
    rows: plans.map(({ consumers, versions, files, messages, seconds }) => [
      ...[consumers, versions, files, messages].map(toCount),
      ...[toText(seconds, 3), judgeBudget(seconds.median, BUDGETS.plan)],
    ]),
  };
}

function toMessageTable(title: string, rows: readonly MessageFigures[]): Table {
  return {
    title: `${title}; medians (least to most), ratios within a round`,
    head: ["a message", "a second", "beside it", "a second", "ratio"],
    rows: rows.map(({ name, perSecond, bare, barePerSecond, ratio }) => [
      ...[name, toText(perSecond, 0), bare, toText(barePerSecond, 0), toText(ratio, 2)],
    ]),
  };
}

function toCopyTable({ copies, awsMissing }: ArtifactFigures): Table {
  const missing = awsMissing === undefined ? "" : ` (not measured: \`aws s3 cp\`, ${awsMissing})`;
  return {
    title: `Measured: copies from bucket to bucket of one emulator; medians (least to most), ratios to the plain stream of the same round${missing}`,
    head: ["how", "file", "MiB a second", "ratio"],
    rows: copies.map(({ way, bytes, mibPerSecond, ratio }) => [
      ...[way, toSize(bytes), toText(mibPerSecond, 0), toText(ratio, 2)],
    ]),
  };
}

function toMemoryTable({ memories }: ArtifactFigures): Table {
  return {
    title: "Measured: memory of a process that copies one file; the emulator, in another, makes and drops the bytes",
    head: ["how", "file", "seconds", "resident when ready, MB", "resident at most, MB", "budget"],
    rows: memories.map(({ way, bytes, seconds, baseMb, peakMb }) => [
      ...[way, toSize(bytes), seconds.toFixed(1), baseMb.toFixed(0), peakMb.toFixed(0)],
      judgeBudget(peakMb, BUDGETS.memory),
    ]),
  };
}

function toPublicationTable({ publications }: ArtifactFigures): Table {
  return {
    title:
      "Measured: `publishArtifact` beside digesting the file alone and uploading it alone; seconds, medians (least to most)",
    head: ["link", "file", "digests alone", "upload alone", "publish", "ratio to the slower", "budget"],
    rows: publications.map(({ link, bytes, seconds, hashSeconds, uploadSeconds, ratio }) => [
      ...[link, toSize(bytes), toText(hashSeconds, 2), toText(uploadSeconds, 2), toText(seconds, 2), toText(ratio, 2)],
      judgeBudget(ratio.median, BUDGETS.publication),
    ]),
  };
}

function toText({ median, least, most }: Spread, digits: number): string {
  const format = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  const [middle, low, high] = [median, least, most].map((value) => value.toLocaleString("en", format));
  return `${middle} (${low}–${high})`;
}

function toCount(count: number): string {
  return count.toLocaleString("en");
}

function toSize(bytes: number): string {
  const [unit, name] = bytes % 1e9 === 0 ? [1e9, "GB"] : bytes >= 2 ** 30 ? [2 ** 30, "GiB"] : [2 ** 20, "MiB"];
  return `${toCount(bytes / Number(unit))} ${name}`;
}
