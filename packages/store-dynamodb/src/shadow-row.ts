import { type Aggregate, type AppliedId, EMPTY, findNextDueAt, type ParkedMark } from "./aggregate.ts";
import type { Hidden } from "./attempt-row.ts";
import type { RowKind, WorkRow } from "./mutate-row.ts";
import type { OutboxEntry } from "./outbox-entry.ts";
import { toStackKey } from "./work-keys.ts";

/**
 * What is kept of a stack id while there is no stack: before its first life, and as the tombstone after one. It stays,
 * so that versions go on above those of earlier lives, and a late writer of such a life is found out.
 */
export interface ShadowRow extends WorkRow {
  readonly stackId: string;
  /** Counts what is committed while there is no stack. */
  readonly version: number;
  /** The version that ended the last life; a stack's item up to this version is none. */
  readonly removedVersion: number;
  readonly ids: readonly AppliedId[];
  readonly idCount: number;
  readonly idsMoved: boolean;
  readonly parked: readonly ParkedMark[];
  readonly parkedHidden?: Hidden | undefined;
  readonly repairHidden?: Hidden | undefined;
  readonly outbox: readonly OutboxEntry[];
}

/** How shadows are kept: by their stack, with what makes them due, else with the age of what they remember. */
export const SHADOWS: RowKind<ShadowRow> = {
  name: "tombstone of the stack",
  toKey: (stackId) => toStackKey(stackId, "shadow"),
  toIndex(row) {
    const parkedCount = row.parked.length === 0 ? undefined : row.parked.length;
    const dueAt = findNextDueAt(toShadowAggregate(row));
    if (dueAt !== undefined) return { sweepKey: "shadow", sweepAt: dueAt, parkedCount };
    const [oldest] = row.ids;
    return oldest === undefined ? {} : { sweepKey: "tombstone", sweepAt: oldest[1] };
  },
};

/** As the aggregate that callers see while there is no stack. */
export function toShadowAggregate(row: ShadowRow | undefined): Aggregate {
  if (row === undefined) return EMPTY;
  const { version, removedVersion, ids, idCount, idsMoved, parked, parkedHidden, repairHidden, outbox } = row;
  const floor = Math.max(version, removedVersion);
  return { ...EMPTY, version, floor, ids, idCount, idsMoved, parked, parkedHidden, repairHidden, outbox };
}
