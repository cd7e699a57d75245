import type { Cell } from "../cells/cell.ts";
import { findWaiting, isDone } from "../cells/to-coverage-cell.ts";

/** How patient the sweep is. */
export interface SweepOptions {
  /** After which a cell is overdue, and which doubles with each announcement. Default: 15 minutes. */
  readonly overdueMs?: number;
}

/** What is to be done about a cell. `announce`: it is overdue, these files (indices in the manifest) are announced again. */
export type SweepAction =
  | { readonly kind: "announce"; readonly cell: Cell; readonly files: readonly number[] }
  | { readonly kind: "alarm"; readonly cell: Cell };

const OVERDUE_MS = 15 * 60_000;
/** So often the sweep announces by itself. */
const MAX_SWEEPS = 3;

/**
 * What is to be done now about cells of consumers that can answer. What has failed for good waits for somebody to look at it; what has not
 * been heard of for 15 minutes is announced again, and so twice more, 30 and 60 minutes after one another. Two hours later there is an
 * alarm.
 */
export function decideSweep(
  cells: readonly Cell[],
  now: number,
  { overdueMs = OVERDUE_MS }: SweepOptions = {},
): readonly SweepAction[] {
  return cells.flatMap((cell) => decide(cell, now, overdueMs));
}

function decide(cell: Cell, now: number, overdueMs: number): readonly SweepAction[] {
  const files = findWaiting(cell);
  const dueAt = (cell.announcedAt ?? cell.expectedAt) + overdueMs * 2 ** cell.sweeps;
  if (isDone(cell) || files.length === 0 || now < dueAt) return [];
  if (cell.sweeps < MAX_SWEEPS) return [{ kind: "announce", cell, files }];
  return cell.alarmedAt === null ? [{ kind: "alarm", cell }] : [];
}
