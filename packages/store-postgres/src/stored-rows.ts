import { type DispatchAttempt, defined, isMap, parseJson, type Stack, StackyardError } from "@stackyard/core";
import {
  type Change,
  type PageBuilder,
  type PageRow,
  parseStored,
  type ReadStack,
  toStackColumns,
} from "@stackyard/core/engine";
import { toKeyText, toPlace } from "./column-values.ts";
import { toSentText } from "./sent-text.ts";
import { findDataFault, fromStackData, isOurs, type StackData, toStackData } from "./stack-data.ts";

const UPDATED = "(extract(epoch from s.last_updated_time) * 1000)::bigint";
// The beginning and the end of a `toStackData` text. Without a pattern: a search for one takes 20 times as long.
const IS_OURS = `not s.foreign_write and left(s.data, 13) = '{"enteredAt":'`;
const ENTERED = "split_part(substr(left(s.data, 32), 14), ',', 1)";
const IS_NUMBER = `length(${ENTERED}) between 1 and 16 and translate(${ENTERED}, '0123456789', '') = ''`;

/** The revision of a record, of `stacks` as `s`; empty for one of the predecessor, or an unreadable one. */
export const REVISION = `case when ${IS_OURS} then reverse(split_part(reverse(right(s.data, 160)), '"', 2)) else '' end`;

/** When its state was entered. For a record of the predecessor, or an unreadable one, the time of its last write. */
export const ENTERED_AT = `case when ${IS_OURS} and ${IS_NUMBER} then ${ENTERED}::bigint else ${UPDATED} end`;

/** The columns of a `StackRow`, of `stacks` as `s`. */
export const STACK_COLUMNS = `s.id, s.data, s.foreign_write, s.version,
       (extract(epoch from s.creation_time) * 1000)::bigint as created,
       (extract(epoch from s.last_updated_time) * 1000)::bigint as updated`;

/** A row of `stacks`, as far as its record needs it. */
export interface StackRow {
  readonly id: string;
  readonly data: string;
  /** True when the predecessor wrote it last. */
  readonly foreign_write: boolean;
  readonly version: number;
  /** Epoch milliseconds; what a record of the predecessor lacks. */
  readonly created: number;
  readonly updated: number;
}

/** Reads a record of ours or of the predecessor. Never throws. */
export function readStackRow(row: StackRow): ReadStack {
  const value = parseJson(row.data);
  if (!row.foreign_write && isOurs(value)) {
    return readOwnRow(value);
  }
  return readForeignRow(row, value);
}

function readOwnRow(value: StackData): ReadStack {
  const damage = findDataFault(value);
  if (damage !== undefined) return { kind: "unreadable", reason: `${damage}.` };
  const stack = fromStackData(value);
  const fault = parseStored.findStackFault(stack);
  return fault === undefined ? { kind: "stack", stack } : { kind: "unreadable", reason: `${fault}.` };
}

/**
 * Reads a row of the predecessor, which keeps the times in columns. When it has overwritten a record of ours, entries
 * continue above all earlier ones, so that no attempt's id is used again.
 */
function readForeignRow(row: StackRow, value: unknown): ReadStack {
  if (value === undefined) return { kind: "unreadable", reason: "It is not JSON." };
  const dated = isMap(value) ? { ...value, createdAt: row.created, updatedAt: row.updated } : value;
  const read = parseStored.predecessorStack(dated, (row.version - 1) * ENTRIES_A_VERSION);
  if (read.kind === "unreadable" || read.stack.id === row.id) return read;
  return { kind: "unreadable", reason: `The record names another stack, ${JSON.stringify(read.stack.id)}.` };
}

/** Returns the record of a row. Throws `STORE_CORRUPT`, with id and reason, for an unreadable one. */
export function parseStackRow(row: StackRow): Stack {
  const read = readStackRow(row);
  if (read.kind === "stack") return read.stack;
  const message = `The record of stack ${JSON.stringify(row.id)} cannot be read: ${read.reason} Correct or delete its row in "stacks".`;
  throw new StackyardError("STORE_CORRUPT", message, { details: { stackId: row.id, reason: read.reason } });
}

/** More than one event can cause. */
const ENTRIES_A_VERSION = 10_000;

/** The columns of a record that is written. */
export interface WrittenRow {
  readonly data: string;
  readonly machine: string;
  readonly state: string;
  readonly busy: boolean;
  readonly trouble: number | null;
  readonly timer: number | null;
  readonly created: number;
  readonly updated: number;
}

/** Returns the columns of a stack. Pure. */
export function toWrittenRow(stack: Stack): WrittenRow {
  const { machine, state } = stack;
  const { busy, trouble, timerAt } = toStackColumns(stack);
  return {
    data: toStackData(stack),
    machine: toKeyText(machine),
    state: toKeyText(state),
    busy,
    trouble,
    timer: timerAt,
    created: stack.createdAt,
    updated: stack.updatedAt,
  };
}

/** A new attempt, for `begin_attempt`. Without an owner it waits for a claim. */
export interface DispatchRow {
  readonly home: string;
  readonly id: string;
  readonly stack: string;
  readonly sent: string;
  readonly owner: string | null;
  readonly lease_until: number | null;
  readonly timeout: number;
  readonly deadline: number;
  readonly due: number;
  readonly secrets: boolean;
}

/** The distance from the lower bound at which the first search for unclaimed attempts starts. */
const FIRST_LOOK_MS = 20_000;

type BirthClaim = NonNullable<Change["claims"]>[number];

/** Makes the row of an attempt that begins. */
export function toDispatchRow(dispatch: DispatchAttempt, claim: BirthClaim | undefined, now: number): DispatchRow {
  const { attemptId, stackId, task, entry, attempt, executor, timeoutMs, claimWithinMs, secrets, message } = dispatch;
  const sent = { task, entry, attempt, ...defined({ executor }), dispatchedAt: now, ...defined({ secrets }), message };
  const windowMs = claim === undefined ? claimWithinMs : timeoutMs;
  return {
    ...toPlace(attemptId),
    stack: toKeyText(stackId),
    sent: toSentText(attemptId, sent),
    owner: claim === undefined ? null : toKeyText(claim.owner),
    lease_until: claim === undefined ? null : now + claim.leaseMs,
    timeout: timeoutMs,
    deadline: now + windowMs,
    due: now + Math.min(claim?.leaseMs ?? FIRST_LOOK_MS, windowMs),
    secrets: secrets !== undefined,
  };
}

/** A row of a statement that `withinBytes` made. */
export interface FetchedRow {
  /** Rows that there are up to the limit, with those that the server kept back. */
  readonly fetched: number;
}

/**
 * Returns a statement that sends the rows of another one up to the first that reaches this number of bytes, so that
 * large rows never leave the server. `rows` may have its own order; `order` is the order in which they are sent.
 */
export function withinBytes(input: {
  readonly rows: string;
  readonly body: string;
  readonly order: string;
  readonly maxBytes: string;
}): string {
  const { rows, body, order, maxBytes } = input;
  return `
select * from (
  select listed.*, count(*) over () as fetched,
         coalesce(sum(octet_length(${body})) over (order by ${order} rows between unbounded preceding and 1 preceding), 0)
           as bytes_before
    from (${rows}) listed) page
 where bytes_before < ${maxBytes} order by ${order}`;
}

/** Returns the value of `maxBytes` for such a statement; the first row always fits. */
export function maxBytesOf(page: Pick<PageBuilder<unknown>, "bytesLeft">): number {
  return Math.max(1, page.bytesLeft);
}

/** A row of a page, or one that the statement could not exclude: it does not count as an item of the page. */
type CheckedRow<Item> = PageRow<Item> & { readonly isLeftOut?: boolean };

/**
 * Adds rows of such a statement. Returns the last one when the page is not full and more may follow it; the statement had
 * this limit (`asked`).
 */
export function addFetched<Row extends FetchedRow, Item>(
  page: PageBuilder<Item>,
  { rows, asked }: { readonly rows: readonly Row[]; readonly asked: number },
  toPageRow: (row: Row) => CheckedRow<Item>,
): Row | undefined {
  for (const row of rows) {
    const next = toPageRow(row);
    if (next.isLeftOut !== true && !page.add(next)) return undefined;
  }
  const fetched = rows[0]?.fetched ?? 0;
  return rows.length < fetched || fetched >= asked ? rows.at(-1) : undefined;
}
