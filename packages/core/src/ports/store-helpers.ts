import { type Static, type TObject, Type } from "typebox";
import { StackyardError } from "../errors/stackyard-error.ts";
import { compileWhenUsed } from "../machine/compile-when-used.ts";
import { formatFaults, listSchemaFaults } from "../machine/document/schema-faults.ts";
import type { Stack } from "../machine/stack.ts";
import type { Logger } from "./executor.ts";
import { foreignCursor } from "./records.ts";
import type { DeadLetter, HistoryEntry, ParkedHead, QueuedEvent } from "./stack-store.ts";
import type { Retention, StoreSignal } from "./store.ts";
import { findEventFault, findShapeFault, type Shape } from "./stored-shape.ts";

// Helpers that every store uses, whatever its database.

const STACK: Shape = {
  id: "string",
  machine: "string",
  machineHash: "string",
  state: "string",
  tasks: "array",
  metadata: "object",
  createdAt: "number",
  updatedAt: "number",
  enteredAt: "number",
  incarnation: "string",
  entry: "number",
  attempts: "object",
  runs: "array",
  timers: "array",
  automaticEntries: "array",
};
const HISTORY_ENTRY: Shape = {
  stackId: "string",
  at: "number",
  eventId: "string",
  event: "string",
  outcome: "string",
  sent: "array",
  notes: "array",
};
const PARKED: Shape = {
  event: "object",
  code: "string",
  reason: "string",
  parkedAt: "number",
  tries: "number",
  nextTryAt: "number",
};
const DEAD_LETTER: Shape = {
  id: "string",
  event: "object",
  code: "string",
  reason: "string",
  deadLetteredAt: "number",
};

/**
 * Reads documents that a store has kept as JSON text. Each checks the fields that readers depend on, because a row may
 * have been damaged or edited. `name` names the row in messages. Throws `STORE_CORRUPT` with the name and the reason.
 */
export const parseStored = {
  stack: (text: string, stackId: string): Stack => {
    const details = { stackId };
    return parse<Stack>(text, `stack ${JSON.stringify(stackId)}`, (value) => findShapeFault(value, STACK), { details });
  },
  /** `complete` adds what the store has not in the document; the value may be anything. */
  historyEntry: (text: string, name: string, complete: (value: unknown) => unknown = (value) => value): HistoryEntry =>
    parse<HistoryEntry>(text, name, (value) => findShapeFault(value, HISTORY_ENTRY), { complete }),
  /** Reads a parked event's head. */
  parkedHead: (text: string, name: string): ParkedHead => parse<ParkedHead>(text, name, findHolderFault(PARKED)),
  /** Reads the message of a parked event. */
  message: (text: string, name: string): QueuedEvent["message"] =>
    parse<QueuedEvent["message"]>(text, name, (value) => findShapeFault(value, {})),
  deadLetter: (text: string, name: string): DeadLetter => parse<DeadLetter>(text, name, findHolderFault(DEAD_LETTER)),
  /** Returns the faults of a stack that was stored in another form, if it has any. */
  findStackFault: (value: unknown): string | undefined => findShapeFault(value, STACK),
  /** Reads a stack in the predecessor's format, which has no task runs, entries and timers. */
  predecessorStack: (value: unknown, entry = 0): ReadStack => {
    if (predecessorStack.Check(value)) return { kind: "stack", stack: fromPredecessor(value, entry) };
    const faults = predecessorStack.Errors(value).map((fault) => `${fault.instancePath || "/"} ${fault.message}`);
    return { kind: "unreadable", reason: `${[...new Set(faults)].slice(0, 5).join("; ")}.` };
  },
  /** Parses any JSON, such as the value of a record. */
  json: (text: string, name: string): unknown => parse<unknown>(text, name, () => undefined),
};

interface ParseOptions {
  /** The details of the error. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly complete?: (value: unknown) => unknown;
}

function parse<Document>(
  text: string,
  name: string,
  findFaultOf: (value: unknown) => string | undefined,
  { details = {}, complete = (value) => value }: ParseOptions = {},
): Document {
  let reason: string | undefined;
  try {
    const value = complete(JSON.parse(text));
    reason = findFaultOf(value);
    if (reason === undefined) return value as Document;
  } catch {
    reason = "it is not JSON";
  }
  throw new StackyardError("STORE_CORRUPT", `The ${name} cannot be read: ${reason}. Correct or delete its row.`, {
    details: { ...details, reason },
  });
}

function findHolderFault(shape: Shape): (value: unknown) => string | undefined {
  return (value) => findShapeFault(value, shape) ?? findEventFault((value as { readonly event: unknown }).event);
}

/** The content of a row: the stack, or why it cannot be read. */
export type ReadStack =
  | { readonly kind: "stack"; readonly stack: Stack }
  | { readonly kind: "unreadable"; readonly reason: string };

/** A stack as the predecessor writes it. */
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
  createdAt: Type.Optional(Type.Number()),
  updatedAt: Type.Optional(Type.Number()),
});
type PredecessorStack = Static<typeof PredecessorStack>;

const predecessorStack = compileWhenUsed(PredecessorStack);

function fromPredecessor(value: PredecessorStack, entry: number): Stack {
  const { id, machine, _state: state, previousState = null, tasks = [], metadata = {} } = value;
  const updatedAt = value.updatedAt ?? value.createdAt ?? 0;
  return {
    id,
    machine,
    machineHash: "",
    state,
    previousState,
    tasks: tasks.map(({ name, status, errorMessage }) =>
      status === "ERROR" && errorMessage !== undefined ? { name, status, errorMessage } : { name, status },
    ),
    metadata,
    createdAt: value.createdAt ?? updatedAt,
    updatedAt,
    enteredAt: updatedAt,
    incarnation: "0",
    entry,
    attempts: {},
    runs: [],
    timers: [],
    automaticEntries: [],
  };
}

/** The listeners of a store in this process. */
export interface StoreListeners {
  /** Returns the function that stops the listener. */
  watch(listener: (signal: StoreSignal) => void): () => void;
  /** Calls every listener once per kind. */
  notify(kinds: Iterable<StoreSignal["kind"]>): void;
}

/**
 * Creates an empty list of listeners. An error in a listener is logged and affects neither the write nor the others.
 */
export function createStoreListeners(logger: Logger): StoreListeners {
  const listeners = new Set<(signal: StoreSignal) => void>();
  return {
    watch(listener) {
      // The same function may be added twice.
      const own = (signal: StoreSignal) => {
        try {
          listener(signal);
        } catch (error) {
          logger.error("A listener of the store failed.", { error });
        }
      };
      listeners.add(own);
      return () => {
        listeners.delete(own);
      };
    },
    notify(kinds) {
      for (const kind of kinds) for (const listener of [...listeners]) listener({ kind });
    },
  };
}

/** A port whose calls may return their results synchronously, without a promise. */
export type PortCalls<Port> = {
  readonly [Name in keyof Port]: Port[Name] extends (...args: infer Args) => Promise<infer Result>
    ? (...args: Args) => Result | Promise<Result>
    : Port[Name] extends object
      ? PortCalls<Port[Name]>
      : Port[Name];
};

/**
 * Makes a port that can be closed of its calls. After `close` they fail with `STORE_CLOSED`; it waits for those that
 * are under way, then calls `end`.
 */
export function createClosable<Port extends object>(
  calls: PortCalls<Port>,
  end: () => void = () => undefined,
): Port & { close(): Promise<void> } {
  const running = new Set<Promise<unknown>>();
  let closing: Promise<void> | undefined;

  async function call(run: () => unknown): Promise<unknown> {
    if (closing !== undefined) {
      throw new StackyardError("STORE_CLOSED", "The store is closed. Open it again before you use it.");
    }
    const result = Promise.resolve(run());
    running.add(result);
    return result.finally(() => running.delete(result));
  }

  function guard(port: object): object {
    const members = Object.entries(port).map(([name, member]: [string, unknown]) => {
      if (typeof member !== "function") return [name, guard(Object(member))];
      return [name, (...args: readonly unknown[]) => call(() => Reflect.apply(member, port, args))];
    });
    return Object.fromEntries(members);
  }

  function close(): Promise<void> {
    closing ??= Promise.allSettled(running).then(end);
    return closing;
  }

  // The same names with functions of the same types.
  return { ...(guard(calls) as Port), close };
}

/** The number of settled attempts of a stack that `listAttempts` returns. */
export const MAX_SETTLED_LISTED = 50;

/** Parses a cursor that is a position. Undefined without a cursor. Throws `USAGE` for any other text. */
export function parsePosition(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  if (/^\d{1,16}$/.test(cursor)) return Number(cursor);
  throw foreignCursor();
}

/** Returns the position that a list of positions begins after: that of the cursor, else the one before the first. */
export function toStartPosition(cursor: string | undefined, newestFirst = false): number {
  return parsePosition(cursor) ?? (newestFirst ? Number.MAX_SAFE_INTEGER : -1);
}

/** The number of stacks that one call reads: a filter that few stacks match returns short pages instead of blocking. */
export const MAX_STACKS_READ = 10_000;

/** Returns the end of the range of texts with that prefix. */
export function afterPrefix(prefix: string): string {
  return `${prefix}\u{10ffff}`;
}

/** The context that a process of a project passes to the `createStore` of its configured store's package. */
export interface ProjectContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  /** False: no schema and no table is created or migrated. */
  readonly migrate: boolean;
}

/** Parses the options of a project's `store: { type, … }`. Throws `CONFIG_INVALID` with every fault. */
export function parseStoreOptions<Schema extends TObject>(
  type: string,
  schema: Schema,
  options: unknown,
): Static<Schema> {
  const faults = formatFaults(listSchemaFaults(schema, options));
  if (faults.length === 0) return options as Static<Schema>;
  const known = Object.keys(schema.properties).join(", ");
  const message = `Options of the store "${type}": ${faults.join(" ")} Valid options: ${known}.`;
  throw new StackyardError("CONFIG_INVALID", message);
}

/**
 * Returns the instant before which a stack must have been removed for a store to forget its version and the count of its
 * event ids: by then its history, its attempts and its event ids are not kept either. Pure.
 */
export function toForgottenBefore(
  { historyMs, eventIdMs, settledAttemptMs }: Pick<Retention, "historyMs" | "eventIdMs" | "settledAttemptMs">,
  now: number,
): number {
  return now - Math.max(historyMs, eventIdMs, settledAttemptMs);
}
