import { StackyardError } from "@stackyard/core";
import { parseStored } from "@stackyard/core/engine";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { toKeyText } from "./key-text.ts";
import type { Stack } from "./port-types.ts";

/** A record as the predecessor writes it. What it lacks of ours has defaults. */
const PredecessorStack = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 255 }),
  machine: Type.String({ minLength: 1 }),
  _state: Type.String({ minLength: 1 }),
  previousState: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  tasks: Type.Optional(
    Type.Array(
      Type.Object({
        name: Type.String({ minLength: 1 }),
        status: Type.Union([Type.Literal("PENDING"), Type.Literal("SATISFIED"), Type.Literal("ERROR")]),
        errorMessage: Type.Optional(Type.String()),
      }),
    ),
  ),
  metadata: Type.Optional(
    Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()])),
  ),
});
type PredecessorStack = Static<typeof PredecessorStack>;

const predecessorStack = Compile(PredecessorStack);

/** The record as it is kept: with the names that the predecessor's readers know, and all that is ours beside them. */
export function toStackData(stack: Stack): string {
  // Taking a property out of an object while it is copied is slow; one that is undefined is not written.
  return JSON.stringify({ ...stack, state: undefined, _state: stack.state });
}

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

/** What a row holds: the stack, or why it cannot be read. */
export type ReadStack =
  | { readonly kind: "stack"; readonly stack: Stack }
  | { readonly kind: "unreadable"; readonly reason: string };

/** Reads a record of ours or of the predecessor. Never throws. */
export function readStackRow(row: StackRow): ReadStack {
  const value = readJson(row.data);
  if (!row.foreign_write && isOurs(value)) {
    const { _state: state, ...stack } = value;
    const read = { ...stack, state };
    const fault = parseStored.findStackFault(read);
    if (fault !== undefined) return { kind: "unreadable", reason: `${fault}.` };
    return { kind: "stack", stack: read };
  }
  if (!predecessorStack.Check(value)) return { kind: "unreadable", reason: tellFault(value) };
  if (value.id !== row.id) {
    return { kind: "unreadable", reason: `The record names another stack, ${JSON.stringify(value.id)}.` };
  }
  return { kind: "stack", stack: toTakenOver(value, row) };
}

/** The record of a row. Throws `STORE_CORRUPT`, with id and reason, for one that cannot be read. */
export function parseStackRow(row: StackRow): Stack {
  const read = readStackRow(row);
  if (read.kind === "stack") return read.stack;
  throw new StackyardError(
    "STORE_CORRUPT",
    `The record of stack ${JSON.stringify(row.id)} cannot be read: ${read.reason} Correct or delete its row in "stacks".`,
    { details: { stackId: row.id, reason: read.reason } },
  );
}

/** More than one event can cause. */
const ENTRIES_A_VERSION = 10_000;

type OwnData = Omit<Stack, "state"> & { readonly _state: string };

// Ours were checked when they were made: all of them have a life and runs.
function isOurs(value: unknown): value is OwnData {
  return typeof value === "object" && value !== null && "life" in value && "runs" in value && "_state" in value;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function tellFault(value: unknown): string {
  if (value === undefined) return "It is no JSON.";
  const faults = predecessorStack.Errors(value).map(({ instancePath, message }) => `${instancePath || "/"} ${message}`);
  return `${[...new Set(faults)].slice(0, 5).join("; ")}.`;
}

/**
 * The predecessor kept no times in this table's records, no runs and no entries. Where it wrote over a record of ours,
 * entries go on above all that there were, so that no attempt's id is used again.
 */
function toTakenOver(value: PredecessorStack, row: StackRow): Stack {
  const { id, machine, _state: state, previousState = null, tasks = [], metadata = {} } = value;
  return {
    id,
    machine,
    machineHash: "",
    state,
    previousState,
    tasks: tasks.map(({ name, status, errorMessage }) => ({
      name,
      status,
      ...(status === "ERROR" && errorMessage !== undefined ? { errorMessage } : {}),
    })),
    metadata,
    createdAt: row.created,
    updatedAt: row.updated,
    enteredAt: row.updated,
    life: "0",
    entry: (row.version - 1) * ENTRIES_A_VERSION,
    attempts: {},
    runs: [],
    timers: [],
    automaticEntries: [],
  };
}

/** Bits of the column `trouble`. */
export const TROUBLE = { failed: 1, stalled: 2, overdue: 4 } as const;

/** The columns by which stacks are found, made from the record. */
interface StackColumns {
  readonly machine: string;
  readonly state: string;
  readonly busy: boolean;
  readonly trouble: number | null;
  readonly timerAt: number | null;
}

/** Pure. */
export function toColumns(stack: Stack): StackColumns {
  const failed = stack.tasks.some(({ status }) => status === "ERROR") ? TROUBLE.failed : 0;
  const stalled = stack.stalled === undefined ? 0 : TROUBLE.stalled;
  const overdue = stack.overdue === true ? TROUBLE.overdue : 0;
  let timerAt: number | null = null;
  for (const { dueAt } of stack.timers) timerAt = timerAt === null ? dueAt : Math.min(timerAt, dueAt);
  return {
    machine: stack.machine,
    state: stack.state,
    busy: stack.awaitsRuns === true || stack.tasks.some(({ status }) => status === "PENDING"),
    trouble: failed + stalled + overdue || null,
    timerAt,
  };
}

/** The columns of a record that is written. */
export type WrittenRow = ReturnType<typeof toWrittenRow>;

/** Pure. */
export function toWrittenRow(stack: Stack) {
  const { machine, state, busy, trouble, timerAt } = toColumns(stack);
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
