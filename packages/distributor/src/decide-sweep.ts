import type { Cell } from "./cell.ts";
import { findWaiting, isDone } from "./cell-status.ts";

/** Options of the sweep. */
export interface SweepOptions {
  /** Time after which a cell is overdue; doubles with each announcement. Default: 15 minutes. */
  readonly overdueMs?: number;
}

/** The action for a cell. `announce`: the cell is overdue; announce these files (indices in the manifest) again. */
export type SweepAction =
  | { readonly kind: "announce"; readonly cell: Cell; readonly files: readonly number[] }
  | { readonly kind: "alarm"; readonly cell: Cell };

const OVERDUE_MS = 15 * 60_000;
/** Announcements by the sweep before the alarm. */
const MAX_SWEEPS = 3;

/**
 * Decides what to do now about cells of consumers that send receipts. Failed files wait for an operator. Files without a receipt
 * for 15 minutes are announced again, and twice more after 30 and 60 minutes. Two hours later the cell raises an alarm.
 */
export function decideSweep(
  cells: readonly Cell[],
  now: number,
  { overdueMs = OVERDUE_MS }: SweepOptions = {},
): readonly SweepAction[] {
  return cells.flatMap((cell) => decide(cell, now, overdueMs));
}

export function decide(cell: Cell, now: number, overdueMs: number): readonly SweepAction[] {
  const files = findWaiting(cell);
  const dueAt = (cell.announcedAt ?? cell.expectedAt) + overdueMs * 2 ** cell.sweeps;
  if (isDone(cell) || files.length === 0 || now < dueAt) return [];
  if (cell.sweeps < MAX_SWEEPS) return [{ kind: "announce", cell, files }];
  return cell.alarmedAt === null ? [{ kind: "alarm", cell }] : [];
}
