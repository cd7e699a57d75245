import { type DispatchAttempt, isMap, isStackyardError, StackyardError, type TaskMessage } from "@stackyard/core";
import { parseStored } from "@stackyard/core/engine";
import { parseAttemptId } from "@stackyard/core/machine";
import { fromKeyText, toLongText } from "./column-values.ts";

/** The constant part of a dispatched attempt, stored as one document in its history row. */
export interface SentAttempt extends Pick<DispatchAttempt, "task" | "entry" | "attempt"> {
  readonly executor?: string;
  readonly dispatchedAt: number;
  readonly secrets?: readonly string[];
  readonly message: TaskMessage;
}

/** An attempt that was read. */
export interface ReadAttempt extends SentAttempt {
  readonly attemptId: string;
}

/** A document of an attempt: without what its id says, and what most messages have. */
interface SentDocument {
  /** The full id, if the column contains a shorter replacement. */
  readonly longId?: string | undefined;
  /** Task, entry and attempt, if the id has other ones. */
  readonly parts?: readonly [string, number, number] | undefined;
  /** If it is not that of the task; null when the attempt has none. */
  readonly executor?: string | null | undefined;
  /** When it was dispatched. */
  readonly at: number;
  readonly secrets?: readonly string[] | undefined;
  /** The whole message, if it has not the parts of `ShortMessage`. */
  readonly message?: TaskMessage;
}

/** The parts of a message that its attempt's id does not have. */
interface ShortMessage {
  readonly machine: string;
  /** Missing: null. */
  readonly from?: string | undefined;
  readonly in: string;
  /** The task's definition, without its name. */
  readonly def: Readonly<Record<string, unknown>>;
  /** Missing: only the task itself, running. */
  readonly tasks?: TaskMessage["stack"]["tasks"] | undefined;
  /** Missing: empty. */
  readonly metadata?: TaskMessage["stack"]["metadata"] | undefined;
  /** From the dispatch to the deadline. Missing: an hour. */
  readonly ms?: number | undefined;
  readonly key?: string | undefined;
  /** Missing: 2. 1: the message has none. */
  readonly v?: 1 | undefined;
  readonly trace?: Pick<TaskMessage["dispatch"], "traceparent" | "tracestate"> | undefined;
}

const HOUR_MS = 3_600_000;

/** Returns the document of an attempt. */
export function toSentText(attemptId: string, sent: SentAttempt): string {
  const { task, entry, attempt, executor, dispatchedAt: at, secrets, message } = sent;
  const parts = parseAttemptId(attemptId);
  const isTold = parts?.task === task && parts.entry === entry && parts.attempt === attempt;
  const document = {
    longId: toLongText(attemptId) === null ? undefined : attemptId,
    parts: isTold ? undefined : ([task, entry, attempt] as const),
    executor: executor === message.task["executor"] ? undefined : (executor ?? null),
    at,
    secrets,
  };
  const short = parts === undefined ? undefined : shorten(attemptId, parts.stackId, sent);
  const written: SentDocument & (ShortMessage | { readonly message: TaskMessage }) = {
    ...document,
    ...(short ?? { message }),
  };
  return JSON.stringify(written);
}

/** Returns the short form of a message; undefined for one whose attempt's id does not have what is left out. */
function shorten(attemptId: string, stackId: string, sent: SentAttempt): ShortMessage | undefined {
  const { task, attempt, dispatchedAt, message } = sent;
  const { stack, dispatch } = message;
  const { id, machine, previousState, _state, tasks, metadata } = stack;
  const isOfId =
    id === stackId && message.task.name === task && dispatch.id === attemptId && dispatch.attempt === attempt;
  if (!isOfId || Object.keys(stack).length !== STACK_KEYS || Object.keys(message).length !== MESSAGE_KEYS)
    return undefined;
  const { id: _, attempt: __, deadline, exclusiveKey: key, version, ...trace } = dispatch;
  const ms = Date.parse(deadline) - dispatchedAt;
  if (toDeadline(dispatchedAt, ms) !== deadline || Object.keys(trace).some((name) => !TRACE_KEYS.has(name)))
    return undefined;
  return {
    machine,
    from: previousState ?? undefined,
    in: _state,
    def: { ...message.task, name: undefined },
    tasks: isAlone(tasks, task) ? undefined : tasks,
    metadata: Object.keys(metadata).length === 0 ? undefined : metadata,
    ms: ms === HOUR_MS ? undefined : ms,
    key,
    v: version === undefined ? 1 : undefined,
    trace: Object.keys(trace).length === 0 ? undefined : trace,
  };
}

const STACK_KEYS = 6;
const MESSAGE_KEYS = 3;
const TRACE_KEYS: ReadonlySet<string> = new Set(["traceparent", "tracestate"]);

function isAlone(tasks: TaskMessage["stack"]["tasks"], task: string): boolean {
  const [only, ...others] = tasks;
  if (only === undefined || others.length > 0 || only.name !== task) return false;
  return only.status === "PENDING" && only.detail === "RUNNING" && only.errorMessage === undefined;
}

function toDeadline(at: number, ms: number): string | undefined {
  const deadline = new Date(at + ms);
  return Number.isNaN(deadline.getTime()) ? undefined : deadline.toISOString();
}

/**
 * Reads what `toSentText` has written; `column`: the attempt's id as its column has it. Throws `STORE_CORRUPT` for a row
 * that is damaged or gone.
 */
export function parseSent(text: string | null, column: string): ReadAttempt {
  const value = parseStored.json(text ?? "", "message of an attempt");
  const sent = isDocument(value) ? readDocument(value, value.longId ?? fromKeyText(column)) : undefined;
  if (sent !== undefined) return sent;
  throw new StackyardError("STORE_CORRUPT", "The message of an attempt cannot be read. Correct or delete its row.");
}

function isDocument(value: unknown): value is SentDocument & (ShortMessage | { readonly message: TaskMessage }) {
  if (!isMap(value) || typeof value["at"] !== "number") return false;
  const { longId = "", parts = [], message, def, in: state } = value;
  if (typeof longId !== "string" || !Array.isArray(parts)) return false;
  return (isMap(message) && isMap(message["task"])) || (isMap(def) && typeof state === "string");
}

function readDocument(
  document: SentDocument & (ShortMessage | { readonly message: TaskMessage }),
  attemptId: string,
): ReadAttempt | undefined {
  const { at: dispatchedAt, executor, secrets } = document;
  const ofId = parseAttemptId(attemptId);
  const [task = ofId?.task, entry = ofId?.entry, attempt = ofId?.attempt] = document.parts ?? [];
  if (task === undefined || entry === undefined || attempt === undefined) return undefined;
  const parts = { stackId: ofId?.stackId ?? "", task, attempt, dispatchedAt };
  const message = "def" in document ? lengthen(attemptId, parts, document) : document.message;
  const own = executor === undefined ? message.task["executor"] : executor;
  return {
    attemptId,
    task,
    entry,
    attempt,
    ...(typeof own === "string" && { executor: own }),
    dispatchedAt,
    ...(secrets !== undefined && { secrets }),
    message,
  };
}

/** Returns the argument of `shorten`. */
function lengthen(
  attemptId: string,
  {
    stackId,
    task,
    attempt,
    dispatchedAt,
  }: Pick<SentAttempt, "task" | "attempt" | "dispatchedAt"> & { readonly stackId: string },
  { machine, from, in: _state, def, tasks, metadata = {}, ms = HOUR_MS, key, v, trace }: ShortMessage,
): TaskMessage {
  return {
    task: { ...def, name: task },
    stack: {
      id: stackId,
      previousState: from ?? null,
      machine,
      _state,
      tasks: tasks ?? [{ name: task, status: "PENDING", detail: "RUNNING" }],
      metadata,
    },
    dispatch: {
      id: attemptId,
      attempt,
      deadline: toDeadline(dispatchedAt, ms) ?? "",
      ...(key !== undefined && { exclusiveKey: key }),
      ...(v === undefined && { version: 2 }),
      ...trace,
    },
  };
}

/** As `parseSent`, but returns undefined for a row that is damaged or gone. */
export function findSent(text: string | null, column: string | null): ReadAttempt | undefined {
  try {
    return parseSent(text, column ?? "");
  } catch (error) {
    if (isStackyardError(error, "STORE_CORRUPT")) return undefined;
    throw error;
  }
}

/** Returns the full id of an attempt from its column and its document. */
export function toAttemptId(column: string | null, sent: ReadAttempt | undefined): string {
  return sent?.attemptId ?? fromKeyText(column ?? "");
}
