import type { CellStatus } from "@stackyard/sdk/artifacts";
import type { Cell } from "../cells/cell.ts";
import { findMissing, statusOf } from "../cells/to-coverage-cell.ts";

/** What the schedule has seen. */
export interface SweepFigures {
  readonly cells: readonly Cell[];
  /** Epoch milliseconds. */
  readonly now: number;
}

const NAMESPACE = "Stackyard/Artifacts";
const STATUSES: readonly CellStatus[] = ["expected", "announced", "failed", "rejected", "overdue"];

/**
 * Metrics in CloudWatch's embedded metric format, a line for each: of every cell that is not full how many files are missing, by artifact and
 * consumer (versions stand beside, they would make a new metric each), and how many cells are in which status. Always all statuses, so
 * that an alarm sees when it is over. Source: CloudWatch user guide, "Embedded metric format specification".
 */
export function toMetricLines({ cells, now }: SweepFigures): readonly string[] {
  const open = cells.filter((cell) => cell.files.includes("-"));
  const lines = open.map((cell) => {
    const { name, version, account, region } = cell;
    const values = { MissingFiles: findMissing(cell).length };
    const facts = { Artifact: name, Consumer: `${account}/${region}`, version, status: statusOf(cell) };
    return toLine({ now, values, facts, dimensions: [["Artifact", "Consumer"]] });
  });
  const statuses = open.map(statusOf);
  const counts = STATUSES.map((status) => {
    const values = { Cells: statuses.filter((each) => each === status).length };
    return toLine({ now, values, facts: { Status: status }, dimensions: [["Status"]] });
  });
  const values = { AlarmedCells: open.filter(({ alarmedAt }) => alarmedAt !== null).length };
  return [...lines, ...counts, toLine({ now, values, facts: {}, dimensions: [[]] })];
}

/** How many events were dropped, and why: one now. */
export function toDropLine(code: string, now: number): string {
  return toLine({ now, values: { DroppedEvents: 1 }, facts: { Code: code }, dimensions: [["Code"]] });
}

interface LineInput {
  readonly now: number;
  readonly values: Readonly<Record<string, number>>;
  readonly facts: Readonly<Record<string, string>>;
  readonly dimensions: readonly (readonly string[])[];
}

function toLine({ now, values, facts, dimensions }: LineInput): string {
  const Metrics = Object.keys(values).map((Name) => ({ Name, Unit: "Count" }));
  const _aws = { Timestamp: now, CloudWatchMetrics: [{ Namespace: NAMESPACE, Dimensions: dimensions, Metrics }] };
  return `${JSON.stringify({ _aws, ...facts, ...values })}\n`;
}
