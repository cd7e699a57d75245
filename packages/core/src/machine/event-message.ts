import { type Static, Type } from "typebox";
import type { Sender } from "../access/sender.ts";
import { BroughtCommit, toBroughtCommit } from "./commit.ts";
import { compileWhenUsed } from "./compile-when-used.ts";
import { keepStart } from "./cut-text.ts";
import { type Opened, openEnvelopes } from "./envelopes.ts";
import { toErrorDescription } from "./error-description.ts";
import { defined, findJsonFault, findRoundedFault, isMap } from "./json.ts";
import { MAX_ATTEMPT_ID, MAX_CODE, MAX_NAME, MAX_REASON, MAX_TASK_NAME, PLAN_DIGEST } from "./limits.ts";
import { NEXT } from "./machine.ts";
import { findNameFault } from "./path-part.ts";
import type { ReleaseNote } from "./release.ts";
import { Seen, toSeen } from "./seen.ts";

/**
 * Where an event comes from. Only `external` ones pass the checks of names that are reserved. `stack`: a task of another
 * stack has sent it, a release.
 */
export type EventOrigin = "external" | "stack" | "worker" | "timer" | "engine";

/** Returns true for an event that a sender has sent, rather than the engine, a timer or a worker. */
export function isSent({ origin }: Pick<StackEvent, "origin">): boolean {
  return origin === "external" || origin === "stack";
}

/** Where an event comes from that a reaction has raised. */
export interface RaisedBy {
  /** The id of the event that was decided before it. */
  readonly eventId: string;
  /** Counts the events that were raised in a row, from 1. */
  readonly step: number;
}

/** One event of one stack, parsed from a message or made by a timer, a deadline or a worker. */
export interface StackEvent {
  /** The same id of the same origin is applied once: see `toEventKey`. */
  readonly id: string;
  readonly stackId: string;
  readonly name: string;
  /** Now, for `decide`: epoch milliseconds. */
  readonly at: number;
  readonly origin: EventOrigin;
  readonly machine?: string;
  /** As received: `decide` refuses anything but a flat map. */
  readonly metadata?: unknown;
  /** The commit that it brings. */
  readonly commit?: BroughtCommit;
  readonly task?: { readonly name: string };
  /**
   * The attempt of a result (`dispatch.id` of its message), or the approval of an operator's event. Without it the
   * task's name decides.
   */
  readonly dispatchId?: string;
  /** A failed task's message. */
  readonly description?: string;
  /** A failed task's code. */
  readonly code?: string;
  readonly retryable?: boolean;
  readonly outputs?: Readonly<Record<string, unknown>>;
  /** Who sent it, according to the sender or the server. */
  readonly actor?: string;
  /** Who sent it, as the receiver has verified. Never part of a message. */
  readonly sender?: Sender;
  readonly own?: true;
  readonly release?: ReleaseNote;
  /** Operators' events: why. */
  readonly reason?: string;
  /** Operators' events: what they are about. */
  readonly seen?: Seen;
  /** `SETTLE_TASK`: only `succeeded`. */
  readonly as?: "succeeded";
  /** `SETTLE_TASK`: the task is an approval, which is then not needed. */
  readonly approval?: boolean;
  /** Names of outputs that must not be shown. */
  readonly sensitiveOutputs?: readonly string[];
  /** The stack's id, where a protected state requires it. */
  readonly confirm?: string;
  /** `UPGRADE_STACK`: the content hash of the revision to move to; absent: the newest valid one. */
  readonly to?: string;
  /** `APPROVE_TASK`: the text that the approval must repeat. */
  readonly of?: string;
  /** The digest of a plan: the event is refused when it would do something else. */
  readonly plan?: string;
  /** In a replay: the event was applied according to the history, so its sender's permission is not checked again. */
  readonly isAllowed?: true;
  /** `REMOVE_STACK`: must be true. */
  readonly force?: boolean;
  /** A timer's event: which timer of the stack has fired. */
  readonly timerId?: string;
  /** The time for which the yard was away since a now ended approval was requested, in milliseconds. */
  readonly unwatchedMs?: number;
  /** The reaction that has raised the event. */
  readonly raised?: RaisedBy;
  /** The message as received (without envelope), for history, parked events and dead letters. */
  readonly message?: Readonly<Record<string, unknown>>;
}

/**
 * Returns the key of an event: its origin and id. Senders choose their ids, and the ids of results and timers can be
 * guessed, so an event from outside is never mistaken for one of a worker, a timer or the engine, or the reverse. A
 * sender's id is its own key, and unique.
 */
export function toEventKey({ origin, id }: Pick<StackEvent, "origin" | "id">): string {
  if (origin !== "external") return `internal:${id}`;
  return /^(?:internal|external):/.test(id) ? `external:${id}` : id;
}

/** Results and operators' events: handled by the engine, never by `on`. */
export const SYSTEM_EVENTS = {
  taskCompleted: "TASK_COMPLETED",
  taskError: "TASK_ERROR",
  /** Internal: a cancel has ended. */
  taskCancelled: "TASK_CANCELLED",
  /** Internal: the deadline of an attempt has passed. */
  taskTimedOut: "TASK_TIMED_OUT",
  /** Internal: the wait before a task's next attempt is over. */
  taskRetryDue: "TASK_RETRY_DUE",
  retryFailedTasks: "RETRY_FAILED_TASKS",
  retryPendingTasks: "RETRY_PENDING_TASKS",
  cancelTask: "CANCEL_TASK",
  settleTask: "SETTLE_TASK",
  removeStack: "REMOVE_STACK",
  upgradeStack: "UPGRADE_STACK",
  acknowledgeFailure: "ACKNOWLEDGE_FAILURE",
  approveTask: "APPROVE_TASK",
  rejectTask: "REJECT_TASK",
  withdrawApproval: "WITHDRAW_APPROVAL",
} as const;

/** The action of an approval that was settled by hand, in the audit log. */
export const SETTLED_APPROVAL = "SETTLE_APPROVAL";

/** Returns true for a result or an operator's event. */
export function isSystemEvent(name: string): boolean {
  return SYSTEM_NAMES.has(name);
}

const SYSTEM_NAMES: ReadonlySet<string> = new Set(Object.values(SYSTEM_EVENTS));

/**
 * Operators' events about approvals. A document that is kept from before these names were reserved may declare them;
 * there they are events like others.
 */
export const APPROVAL_EVENTS: ReadonlySet<string> = new Set([
  SYSTEM_EVENTS.approveTask,
  SYSTEM_EVENTS.rejectTask,
  SYSTEM_EVENTS.withdrawApproval,
]);

/** Result events of tasks; entries that they cause are automatic. */
export const RESULT_EVENTS: ReadonlySet<string> = new Set([
  SYSTEM_EVENTS.taskCompleted,
  SYSTEM_EVENTS.taskError,
  SYSTEM_EVENTS.taskCancelled,
  SYSTEM_EVENTS.taskTimedOut,
]);

/** Ids that become keys and parts of paths: no control characters, no half surrogate pairs. */
const Name = Type.String({ minLength: 1, maxLength: MAX_NAME, pattern: "^[^\\u0000-\\u001f\\u007f-\\u009f]*$" });

/** The name of a task in a message. Other keys, such as those of an echoed task, are ignored. */
const TaskReference = Type.Object({ name: Type.String({ minLength: 1, maxLength: MAX_TASK_NAME }) });

/**
 * An event as it travels: the body of a queue message or of a request. Keys that are not listed are ignored.
 * Some events need more than `stackId` and `event`; see `parseEventMessage`.
 */
export const EventMessage = Type.Object({
  id: Type.Optional(Name),
  stackId: Name,
  event: Type.Optional(Type.String({ minLength: 1, maxLength: MAX_NAME })),
  action: Type.Optional(
    Type.String({ minLength: 1, maxLength: MAX_NAME, deprecated: true, description: "The older name of `event`." }),
  ),
  machine: Type.Optional(Name),
  metadata: Type.Optional(
    Type.Unknown({ description: "A flat map of strings, numbers, booleans and nulls, merged into the stack's." }),
  ),
  commit: Type.Optional(BroughtCommit),
  task: Type.Optional(TaskReference),
  dispatchId: Type.Optional(
    Type.String({ maxLength: MAX_ATTEMPT_ID, description: "`dispatch.id` of the task message." }),
  ),
  description: Type.Optional(Type.String({ description: "What a failed task says." })),
  code: Type.Optional(Type.String({ maxLength: MAX_CODE })),
  retryable: Type.Optional(Type.Boolean()),
  outputs: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  sensitiveOutputs: Type.Optional(
    Type.Array(Type.String(), { description: "Names of outputs that must not be shown." }),
  ),
  confirm: Type.Optional(
    Type.String({
      maxLength: MAX_NAME,
      description: "The stack's id: needed where an event leads from a protected state into a terminal one.",
    }),
  ),
  to: Type.Optional(
    Type.String({ pattern: "^[0-9a-f]{64}$", description: "`UPGRADE_STACK`: the revision's content hash." }),
  ),
  of: Type.Optional(
    Type.String({
      maxLength: MAX_TASK_NAME,
      description: "`APPROVE_TASK`: what is approved, where the machine names it.",
    }),
  ),
  plan: Type.Optional(
    Type.String({
      pattern: PLAN_DIGEST,
      description: "The digest of a dry run: the event is refused (`PLAN_STALE`) when it would do something else now.",
    }),
  ),
  actor: Type.Optional(Type.String({ maxLength: MAX_NAME })),
  reason: Type.Optional(Type.String({ maxLength: MAX_REASON })),
  seen: Type.Optional(Seen),
  as: Type.Optional(Type.Literal("succeeded")),
  approval: Type.Optional(Type.Boolean({ description: "`SETTLE_TASK` by the operation of the API only." })),
  force: Type.Optional(Type.Boolean()),
});
export type EventMessage = Static<typeof EventMessage>;

/** The facts that the receiver of a message adds. */
export interface ParseEventOptions {
  /** Now, epoch milliseconds. */
  readonly at: number;
  /** The event's id when the body has none: the id of the queue's message. */
  readonly messageId?: string;
  /** Default `external`. Only `worker` and `engine` may send internal events. */
  readonly origin?: EventOrigin;
  /** The sender's name, as the receiver has it; overrides the message. Default: the name of `sender`. */
  readonly actor?: string;
  /** Who sent it, as the receiver has verified. */
  readonly sender?: Sender;
  /** As in `QueuedEvent`. */
  readonly own?: true;
  readonly release?: ReleaseNote;
  /** Lets NEXT come from outside. Default false. */
  readonly allowExternalNext?: boolean;
}

/** An event, or why the message is invalid. An invalid message can never apply. */
export type ParsedEvent =
  | { readonly kind: "event"; readonly event: StackEvent }
  | {
      readonly kind: "invalid";
      readonly code: "EVENT_INVALID" | "EVENT_RESERVED";
      readonly reason: string;
      /** Where the message names one. */
      readonly stackId?: string;
    };

/**
 * Reads an event message: text or value, bare or in the envelope of SNS or EventBridge. `action` is the older name of
 * `event`, which wins. A result that cannot be read becomes the failure of its task. Never throws. `decide` checks
 * whether the machine declares the event, and whether the metadata is flat.
 */
export function parseEventMessage(body: unknown, options: ParseEventOptions): ParsedEvent {
  const unwrapped = unwrapBody(body);
  if (unwrapped.kind === "none") return { kind: "invalid", code: "EVENT_INVALID", reason: unwrapped.reason };
  const { message } = unwrapped;
  const parsed = parseFields(message, options);
  if (parsed.kind === "event" || parsed.code !== "EVENT_INVALID") return parsed;
  const failure = toUnreadResult(message, parsed.reason);
  const failed = failure && parseFields(failure, options);
  return failed?.kind === "event" ? failed : parsed;
}

function parseFields(message: Fields, options: ParseEventOptions): ParsedEvent {
  const fields = pickFields(message, options);
  if (!validator.Check(fields)) return refuse(message, "EVENT_INVALID", formatFaults(fields));
  const { id, event: name, stackId, ...rest } = fields;
  const origin = options.origin ?? "external";
  if (name !== undefined && isReserved(name, origin, options)) {
    return refuse(message, "EVENT_RESERVED", `"${name}" is sent by the engine only.`);
  }
  const fault = findFault(fields, origin);
  if (fault !== undefined || id === undefined || name === undefined) {
    return refuse(message, "EVENT_INVALID", fault ?? "The message has no id, and the transport provided none.");
  }
  const event: StackEvent = { id, stackId, name, at: options.at, origin, ...toFields(rest), message };
  const { sender, own, release } = options;
  return { kind: "event", event: { ...event, ...defined({ sender, own, release }) } };
}

/**
 * Returns the failure that replaces a result that cannot be read: there will be no other, so its task would never end.
 * A failure keeps its code and message. Undefined: the message is not the result of a worker.
 */
function toUnreadResult(message: Fields, reason: string): Fields | undefined {
  const name = toEventName(message);
  if (name !== SYSTEM_EVENTS.taskCompleted && name !== SYSTEM_EVENTS.taskError) return undefined;
  const { id, stackId, task, dispatchId, code, retryable, description } = message;
  const head = {
    stackId,
    event: SYSTEM_EVENTS.taskError,
    ...defined({ id: toText(id), dispatchId: toText(dispatchId) }),
  };
  const named = isMap(task) && toText(task["name"]) !== undefined ? { ...head, task: { name: task["name"] } } : head;
  const unread = `The result cannot be read. ${reason}`;
  if (name === SYSTEM_EVENTS.taskCompleted || toText(description) === undefined) {
    return { ...named, code: "OUTPUT_INVALID", description: unread, retryable: false };
  }
  const failure = defined({ code: toText(code), retryable: retryable === false ? false : undefined });
  return { ...named, ...failure, description: `${toErrorDescription(description)} (${unread})` };
}

const validator = compileWhenUsed(EventMessage);

const INTERNAL_EVENTS: ReadonlySet<string> = new Set([
  SYSTEM_EVENTS.taskCancelled,
  SYSTEM_EVENTS.taskTimedOut,
  SYSTEM_EVENTS.taskRetryDue,
]);

const RETRY_EVENTS: ReadonlySet<string> = new Set([SYSTEM_EVENTS.retryFailedTasks, SYSTEM_EVENTS.retryPendingTasks]);

/** The keys that an operator's event requires. */
const REQUIRED: ReadonlyMap<string, readonly (keyof EventMessage)[]> = new Map([
  [SYSTEM_EVENTS.cancelTask, ["task"]],
  [SYSTEM_EVENTS.settleTask, ["task", "as", "reason"]],
  [SYSTEM_EVENTS.removeStack, ["force", "reason"]],
]);

type Fields = Readonly<Record<string, unknown>>;

/** Returns the keys that the event uses. Keys that the predecessor ignored must not make a message fail today. */
function pickFields(message: Fields, { messageId, sender, actor = sender?.name, origin }: ParseEventOptions): Fields {
  const name = toEventName(message) ?? message["event"] ?? message["action"];
  return defined({
    id: toText(message["id"]) ?? messageId,
    stackId: message["stackId"],
    event: name,
    machine: message["machine"] === null || message["machine"] === "" ? undefined : message["machine"],
    metadata: message["metadata"],
    actor: toText(actor ?? message["actor"], MAX_NAME),
    confirm: toConfirmation(message["confirm"]),
    plan: toPlan(message["plan"]),
    commit: toBroughtCommit(message["commit"]),
    ...pickByEvent(message, name, origin),
  });
}

function toConfirmation(value: unknown): string | undefined {
  return typeof value === "string" && value.length <= MAX_NAME ? value : undefined;
}

/** A key that the predecessor's senders may use for something else. */
function toPlan(value: unknown): string | undefined {
  return typeof value === "string" && new RegExp(PLAN_DIGEST).test(value) ? value : undefined;
}

function pickByEvent(message: Fields, name: unknown, origin: EventOrigin = "external"): Fields {
  if (typeof name !== "string") return {};
  if (RESULT_EVENTS.has(name)) return { ...pickResult(message), ...pickSensitive(message, origin) };
  if (name === SYSTEM_EVENTS.upgradeStack) return { to: message["to"] ?? undefined, reason: toText(message["reason"]) };
  const { seen } = message;
  if (name === SYSTEM_EVENTS.acknowledgeFailure) return defined({ reason: toText(message["reason"]), seen });
  if (name === SYSTEM_EVENTS.taskRetryDue) return { task: message["task"] };
  if (RETRY_EVENTS.has(name))
    return { task: message["task"] ?? undefined, reason: toText(message["reason"]), seen: toSeen(seen) };
  if (APPROVAL_EVENTS.has(name)) return pickApproval(message);
  if (!REQUIRED.has(name)) return {};
  const approval = name === SYSTEM_EVENTS.settleTask && message["approval"] === true ? true : undefined;
  return {
    task: message["task"],
    as: message["as"],
    force: message["force"],
    reason: message["reason"],
    approval,
    seen,
  };
}

/**
 * Returns the keys of an approval event. If a machine declares an event of that name, its other keys are ignored like
 * those of every declared event.
 */
function pickApproval({ task, dispatchId, of, reason }: Fields): Fields {
  const isNamed =
    isMap(task) && typeof task["name"] === "string" && task["name"] !== "" && task["name"].length <= MAX_TASK_NAME;
  return {
    task: isNamed ? task : undefined,
    dispatchId: toText(dispatchId, MAX_ATTEMPT_ID),
    of: toText(of, MAX_TASK_NAME),
    reason: toText(reason, MAX_REASON),
  };
}

/**
 * Returns the keys of a result. Optional ones with a wrong type are left out: the result itself must not be lost for
 * them.
 */
function pickResult(message: Fields): Fields {
  const { task, description, retryable, outputs } = message;
  return {
    task: task ?? undefined,
    dispatchId: toText(message["dispatchId"]),
    description: toErrorDescription(description),
    code: toText(message["code"], MAX_CODE),
    retryable: typeof retryable === "boolean" ? retryable : undefined,
    outputs: isMap(outputs) ? outputs : undefined,
  };
}

/** Returns the names of sensitive outputs, from a worker only; a message from outside has been seen already. */
function pickSensitive({ sensitiveOutputs }: Fields, origin: EventOrigin): Fields {
  if (origin !== "worker" || !Array.isArray(sensitiveOutputs)) return {};
  return { sensitiveOutputs: sensitiveOutputs.filter((name) => typeof name === "string") };
}

/** The keys of a message whose values a stack keeps. */
const KEPT = ["metadata", "outputs"] as const;

function findFault(fields: EventMessage, origin: EventOrigin): string | undefined {
  const name = fields.event;
  if (name === undefined) return 'The message has neither "event" nor "action".';
  const misnamed = findNameFault({ stackId: fields.stackId, id: fields.id, machine: fields.machine });
  if (misnamed !== undefined) return misnamed;
  const rounded = KEPT.find((key) => findRoundedFault(fields[key]) !== undefined);
  if (rounded !== undefined)
    return `The message is refused for its "${rounded}": ${findRoundedFault(fields[rounded])}.`;
  const missing = (REQUIRED.get(name) ?? []).filter((key) => !fields[key]);
  if (missing.length > 0) return `"${name}" needs ${missing.map((key) => `"${key}"`).join(" and ")}.`;
  const answered = origin === "external" ? fields.task : (fields.dispatchId ?? fields.task);
  return RESULT_EVENTS.has(name) && answered === undefined ? `"${name}" needs "task" with a "name".` : undefined;
}

function isReserved(name: string, origin: EventOrigin, { allowExternalNext }: ParseEventOptions): boolean {
  if (name === NEXT) return allowExternalNext !== true;
  return INTERNAL_EVENTS.has(name) && origin === "external";
}

function toFields({ task, action, ...rest }: Omit<EventMessage, "id" | "event" | "stackId">): Partial<StackEvent> {
  return task === undefined ? rest : { ...rest, task: { name: task.name } };
}

function formatFaults(fields: Fields): string {
  const faults = validator.Errors(fields).map(({ instancePath, message }) => `${instancePath || "/"} ${message}`);
  return `The message is not an event: ${faults.join("; ")}.`;
}

function refuse(message: Fields, code: "EVENT_INVALID" | "EVENT_RESERVED", reason: string): ParsedEvent {
  const stackId = toText(message["stackId"], MAX_NAME);
  return { kind: "invalid", code, reason, ...defined({ stackId }) };
}

/**
 * Returns the name of the event in a message: its `event`, or the predecessor's `action`. Undefined: it has neither.
 */
export function toEventName(message: { readonly event?: unknown; readonly action?: unknown }): string | undefined {
  return toText(message.event) ?? toText(message.action);
}

function toText(value: unknown, most = Number.POSITIVE_INFINITY): string | undefined {
  return typeof value === "string" && value !== "" ? keepStart(value, most) : undefined;
}

/**
 * Takes a body out of its envelopes, and reads its content: a message whose content is plain JSON, the failure that replaces a result with
 * another one, or why there is none.
 */
export function unwrapBody(body: unknown): Opened {
  const opened = openEnvelopes(body);
  if (opened.kind === "none") return opened;
  const fault = findJsonFault(opened.message);
  if (fault === undefined) return opened;
  const failure = toUnreadResult(opened.message, `${fault.replace("it", "It")}.`);
  if (failure !== undefined && findJsonFault(failure) === undefined) return { kind: "message", message: failure };
  return { kind: "none", reason: `The message is refused: ${fault}.` };
}
