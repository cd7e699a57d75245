import type { HistoryEntry, StoredHistoryEntry } from "@stackyard/core/engine";
import type { Item } from "./attributes.ts";
import type { OutboxEntry } from "./outbox-entry.ts";
import type { ReadRow } from "./page.ts";
import { WORK_INDEXES } from "./table-definitions.ts";
import { toKeyPart, toSortable, toStackKey, type WorkKey } from "./work-keys.ts";

/** The lines of one commit: one item, so that they have their positions together or not at all. */
export interface HistoryRow {
  readonly stackId: string;
  readonly lines: readonly HistoryEntry[];
  /** The position of the first line; the others follow it. */
  readonly first: number;
  /** Instants of the newest line by its caller's clock, and of this write by ours. */
  readonly at: number;
  readonly writtenAt: number;
}

/** All lines of the yard stand under this key of the list index. */
export const HISTORY_LIST = "history";

/** Where the lines of a commit stand: in order of commits within their stack. */
export function toHistoryKey(stackId: string, { version, home }: Pick<OutboxEntry, "version" | "home">): WorkKey {
  return toStackKey(stackId, `history#${toSortable(version)}#${home}`);
}

/** Where a line stands once more, to be found by its event. */
export function toEventLineKey(eventId: string, position: number): WorkKey {
  return { pk: `event#${toKeyPart(eventId)}`, sk: toSortable(position) };
}

/** The lines with their positions, in order. Pure. */
export function listLines({ lines, first }: HistoryRow): readonly StoredHistoryEntry[] {
  return lines.map((line, index) => ({ ...line, position: first + index }));
}

/** A line of the history with its place. */
export interface HistoryLine extends ReadRow<StoredHistoryEntry> {
  readonly position: number;
}

/** Reads the lines of a row. A row that cannot be read is one line at its first position. */
export function readLines(item: Item, read: () => HistoryRow): readonly HistoryLine[] {
  try {
    return listLines(read()).map((line) => ({ position: line.position, item: line, read: () => line }));
  } catch (error) {
    const fail = (): never => {
      throw error;
    };
    return [{ position: toFirst(item), item: undefined, read: fail }];
  }
}

/** The position of a row's first line, from the row or from its entry in the index. */
export function toFirst(item: Item): number {
  return Number(item[WORK_INDEXES.list.at]?.N);
}

/** How many lines the row has, from the row or from its entry in the index. */
export function toSpan(item: Item): number {
  return Number(item["span"]?.N);
}
