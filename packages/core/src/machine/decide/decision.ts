import type { CommitVerdict } from "../commit.ts";
import { APPROVAL_EVENTS, RESULT_EVENTS, type StackEvent, SYSTEM_EVENTS } from "../event-message.ts";
import type { Stack } from "../stack.ts";
import type { TaskMessage } from "../task-message.ts";
import { isOccurrence } from "./timer-ids.ts";

/** A run to send. The commit makes an attempt of it and puts the message into the outbox. */
export interface Dispatch {
  readonly attemptId: string;
  readonly stackId: string;
  readonly incarnation: string;
  readonly entry: number;
  readonly task: string;
  readonly attempt: number;
  readonly executor?: string;
  /** From the first grant to the deadline. */
  readonly timeoutMs: number;
  readonly cancelWithinMs: number;
  /** References of the secrets in the message; the claim returns their values. Missing without secrets. */
  readonly secrets?: readonly string[];
  /** True: the same attempt is sent again (`RETRY_PENDING_TASKS`); no attempt is made. */
  readonly again: boolean;
  readonly message: TaskMessage;
}

/** An open attempt whose stored message is sent again, because its machine cannot make one any more. */
export interface Resend {
  readonly attemptId: string;
  readonly task: string;
}

/** A request to stop an attempt. */
export interface Cancel {
  readonly attemptId: string;
  readonly withinMs: number;
  readonly why: "requested" | "timed-out";
}

/** Codes of refusals that a later state, machine or revision may lift: the engine parks such events. */
type ParkedCode =
  | "EVENT_NOT_HANDLED"
  | "EXPRESSION_FAILED"
  | "STATE_UNKNOWN"
  | "MACHINE_UNKNOWN"
  | "MACHINE_INVALID"
  | "PATTERN_NOT_LINEAR";

/** Codes of refusals that can never be lifted: the engine sets such events aside at once. */
type DeadLetterCode =
  | "EVENT_INVALID"
  | "EVENT_RESERVED"
  | "EVENT_UNDECLARED"
  | "EVENT_METADATA_REQUIRED"
  | "METADATA_NOT_FLAT"
  | "METADATA_INVALID"
  | "METADATA_TOO_LARGE"
  | "MACHINE_MISMATCH"
  | "CONFIRMATION_REQUIRED";

/** Codes of refused results and operators' events, and of senders without the right: recorded and acknowledged. */
type AnswerCode =
  | "TASK_NOT_CURRENT"
  | "TASK_NOT_RUNNING"
  | "UPGRADE_STATE_MISSING"
  | "UPGRADE_TASK_UNKNOWN"
  | "UPGRADE_NEED_MISSING"
  | "NOT_ALLOWED"
  | "APPROVAL_CLOSED"
  | "APPROVAL_REPEATED"
  | "COMMENT_REQUIRED"
  | "STACK_CHANGED"
  | "PLAN_STALE"
  | "EVENT_EXPIRED";

/** Why an event was refused. */
export type RefusalCode = ParkedCode | DeadLetterCode | AnswerCode;

/** Recorded, not refused. */
type IgnoredCode = "DUPLICATE" | "EVENT_REPEATED" | "RESULT_STALE" | "STACK_UNKNOWN" | "TIMER_STALE";

/** The event changed the stack (at least it is remembered as applied). */
export interface Applied {
  readonly kind: "applied";
  /** The stack after the event; when `removed`, as it was at its end. */
  readonly stack: Stack;
  readonly removed: boolean;
  /** Task messages to send, in order. */
  readonly dispatches: readonly Dispatch[];
  /** Missing without any. */
  readonly resends?: readonly Resend[];
  readonly cancels: readonly Cancel[];
  /** Attempts that ended with this event: their keys are freed. */
  readonly endedAttempts: readonly string[];
  /** Sentences for the history, such as why the stack is stalled. */
  readonly notes: readonly string[];
  /** Tasks of states that were left before they had succeeded. Missing without any. */
  readonly unfinished?: readonly string[];
  /** Metadata keys that the machine has changed: by `set`, or by outputs of tasks. Missing without any. */
  readonly set?: readonly string[];
  /** Events to decide next, in order, in the same commit. Missing without events. */
  readonly raised?: readonly string[];
  /** What has become of commits of the stack by this event. Missing where it has changed nothing about them. */
  readonly commits?: readonly CommitVerdict[];
}

/** A refusal: the event is not stored. `endedAttempt`: an open run of an earlier entry that this result still ends. */
export interface Rejected {
  readonly kind: "rejected";
  readonly code: RefusalCode;
  readonly reason: string;
  readonly endedAttempt?: string;
}

/** Recorded without an effect on states, statuses and metadata. `endedAttempt` as above. */
export interface Ignored {
  readonly kind: "ignored";
  readonly code: IgnoredCode;
  readonly reason: string;
  readonly endedAttempt?: string;
  /** The id of the parked event that the event repeats. */
  readonly repeats?: string;
  /** The stack on the revision that has ignored the event of a timer which it does not have; otherwise missing. */
  readonly moved?: Applied;
}

/** The effect of an event on a stack. */
export type Decision = Applied | Rejected | Ignored;

/** Returns what a decision does: the event of a timer that is ignored may still have moved its stack to another revision. */
export function effectOf(decision: Decision): Applied | undefined {
  if (decision.kind === "applied") return decision;
  return decision.kind === "ignored" ? decision.moved : undefined;
}

/** Returns the tasks that a decision sends, in order. */
export function sentBy({ dispatches, resends = [] }: Pick<Applied, "dispatches" | "resends">): readonly string[] {
  return [...dispatches, ...resends].map(({ task }) => task);
}

/** Returns true for codes of refusals that a later state, machine or revision may lift. */
export function isParkedCode(code: string): code is ParkedCode {
  return PARKED.has(code);
}

/**
 * Returns true when the engine keeps a refused event and decides it again. Results and occurrences of a schedule are kept
 * only when the machine is at fault, operators' events never: their sender gets the code.
 */
export function isParked(event: StackEvent, code: RefusalCode): boolean {
  if (!isParkedCode(code) || isOperators(event, code)) return false;
  return MACHINES_FAULT.has(code) || !(isOccurrence(event) || RESULT_EVENTS.has(event.name));
}

/**
 * Returns true for a refused event that a person sent about a stack, whatever its machine declares. The rules of
 * declared events refuse one of an approval only when its machine is an older revision that declares an event of that
 * name.
 */
export function isOperators({ name }: StackEvent, code: RefusalCode): boolean {
  return OPERATORS_EVENTS.has(name) && !(APPROVAL_EVENTS.has(name) && OF_DECLARED_EVENTS.has(code));
}

const OF_DECLARED_EVENTS: ReadonlySet<string> = new Set([
  "EVENT_NOT_HANDLED",
  "EXPRESSION_FAILED",
  "EVENT_METADATA_REQUIRED",
  "METADATA_INVALID",
  "CONFIRMATION_REQUIRED",
]);

/** Events that people send about a stack, whatever its machine declares. */
export const OPERATORS_EVENTS: ReadonlySet<string> = new Set([
  SYSTEM_EVENTS.retryFailedTasks,
  SYSTEM_EVENTS.retryPendingTasks,
  SYSTEM_EVENTS.cancelTask,
  SYSTEM_EVENTS.settleTask,
  SYSTEM_EVENTS.removeStack,
  SYSTEM_EVENTS.upgradeStack,
  SYSTEM_EVENTS.acknowledgeFailure,
  ...APPROVAL_EVENTS,
]);

/** Returns the refusal of an event. */
export function reject(code: Rejected["code"], reason: string): Rejected {
  return { kind: "rejected", code, reason };
}

/** Codes of refusals whose cause is the machine, not the stack's state. */
export const MACHINES_FAULT: ReadonlySet<string> = new Set([
  "STATE_UNKNOWN",
  "MACHINE_UNKNOWN",
  "MACHINE_INVALID",
  "PATTERN_NOT_LINEAR",
]);

const PARKED: ReadonlySet<string> = new Set([...MACHINES_FAULT, "EVENT_NOT_HANDLED", "EXPRESSION_FAILED"]);
