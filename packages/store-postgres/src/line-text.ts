import { isMap } from "@stackyard/core";
import { type HistoryEntry, parseStored } from "@stackyard/core/engine";
import { parseAttemptId } from "@stackyard/core/machine";
import { fromKeyText, toComparedText, toKeyText, toLongText } from "./column-values.ts";
import type { RevisionNumbers } from "./revision-numbers.ts";

/** The columns of a history line. */
export interface LineColumns {
  readonly at: number;
  readonly stack: string;
  readonly id: string;
  /** The number of the line's revision in its table; null for one that is not known there. */
  readonly revision: number | null;
  /** The rest of the line, as a document without what the columns have and what most lines have. */
  readonly body: string;
}

const RESULT = "result:";

/** Returns the columns of a line. */
export function toLineColumns(entry: HistoryEntry, numbers: RevisionNumbers): LineColumns {
  const { stackId, at, eventId, outcome, notes, machineHash } = entry;
  const revision = machineHash === undefined ? undefined : numbers.find(machineHash);
  const usual = toUsual(eventId);
  const body = {
    ...entry,
    stackId: undefined,
    at: undefined,
    eventId: toLongText(eventId) === null ? undefined : eventId,
    outcome: outcome === APPLIED ? undefined : outcome,
    notes: notes.length === 0 ? undefined : notes,
    machineHash: revision === undefined ? machineHash : undefined,
    event: toOwn(entry.event, usual?.event),
    internal: toOwn(entry.internal, usual?.internal),
    incarnation: toOwn(entry.incarnation, usual?.incarnation),
    task: toOwn(entry.task, usual?.task),
  };
  return {
    at,
    stack: toKeyText(stackId),
    id: toComparedText(eventId),
    revision: revision ?? null,
    body: JSON.stringify(body),
  };
}

/** Returns what a document has of a value: nothing if it is the usual one, null if it is missing. */
function toOwn<Value>(value: Value | undefined, usual: Value | undefined): Value | null | undefined {
  return value === usual ? undefined : (value ?? null);
}

const APPLIED = "applied";
const USUAL = ["event", "internal", "incarnation", "task"] as const;

/** Returns what most lines of a result have. */
function toUsual(eventId: string): Pick<HistoryEntry, (typeof USUAL)[number]> | undefined {
  const parts = eventId.startsWith(RESULT) ? parseAttemptId(eventId.slice(RESULT.length)) : undefined;
  if (parts === undefined) return undefined;
  return { event: "TASK_COMPLETED", internal: true, incarnation: parts.incarnation, task: parts.task };
}

/** A row of history, as far as its line needs it. */
export interface LineRow {
  readonly position: number;
  readonly at: number;
  readonly stack_id: string;
  readonly event_id: string;
  readonly body: string;
  readonly hash: string | null;
}

/** Reads the line of a row. Throws `STORE_CORRUPT` for a damaged one. */
export function parseLine({ position, at, stack_id, event_id, body, hash }: LineRow): HistoryEntry {
  const name = `line ${position} of the history`;
  return parseStored.historyEntry(body, name, (value) => {
    if (!isMap(value)) return value;
    const { eventId = fromKeyText(event_id), ...own } = value;
    const usual = typeof eventId === "string" ? toUsual(eventId) : undefined;
    const entry: Record<string, unknown> = {
      stackId: fromKeyText(stack_id),
      at,
      eventId,
      outcome: APPLIED,
      notes: [],
      ...usual,
      ...own,
      ...(hash !== null && { machineHash: hash }),
    };
    for (const key of USUAL) if (entry[key] === null) delete entry[key];
    return entry;
  });
}
