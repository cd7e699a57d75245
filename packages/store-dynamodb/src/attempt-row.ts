import {
  type Attempt,
  type AttemptFacts,
  type BirthClaim,
  beginAttempt,
  claimAtBirth,
  toAttemptDue,
} from "@stackyard/core/attempt";
import type { Dispatch, TaskMessage } from "./port-types.ts";

/** An instant that is not handed out before another one. A new instant is handed out at once. */
export interface Hidden {
  readonly at: number;
  readonly until: number;
}

/** One attempt with its message in the queue. */
export interface AttemptRow extends Attempt, AttemptFacts {
  readonly secrets?: readonly string[] | undefined;
  readonly message: TaskMessage;
  /** Grows over the yard: the order in queues of keys. */
  readonly sequence: number;
  readonly deadlineHidden?: Hidden | undefined;
  /** Of a poll, or of a lapsed lease. */
  readonly hidden?: Hidden | undefined;
  /** Keys that it has or may be queued for; noted before a key is touched, so that the end frees every one. */
  readonly keys: readonly string[];
  /** A queued one checks its key's holder then, in case the one that was to pass it on has died. */
  readonly checkAt?: number | undefined;
  /** The message in the queue. */
  readonly sent?: SentMessage | undefined;
  readonly sentNo: number;
  /** The log is a row beside the item. */
  readonly hasLogRow?: true | undefined;
}

/** A message that waits for a worker. */
export interface SentMessage {
  readonly no: number;
  readonly dueAt: number;
  /** 0: no one has taken it yet. */
  readonly visibleAt: number;
  readonly deliveries: number;
}

/** How long a queued attempt waits before it checks the holder of its key. */
const CHECK_AFTER_MS = 60_000;

/** Later, when the instant was handed out. */
export function afterHidden(at: number, hidden: Hidden | undefined): number {
  return hidden?.at === at ? Math.max(at, hidden.until) : at;
}

/** An instant of an attempt, and when it is handed out. */
export interface AttemptInstant {
  readonly at: number;
  readonly visibleAt: number;
}

/** A poll or a lapsed lease, with its instant. */
export function findReturn(row: AttemptRow): (AttemptInstant & { readonly kind: "poll" | "lapsedLease" }) | undefined {
  const { poll, lapsedLease } = toAttemptDue(row);
  const at = poll ?? lapsedLease;
  if (at === undefined) return undefined;
  return { kind: poll === undefined ? "lapsedLease" : "poll", at, visibleAt: afterHidden(at, row.hidden) };
}

/** The deadline, or that of a cancel. */
export function toDeadline(row: AttemptRow): (AttemptInstant & { readonly why: "deadline" | "cancel" }) | undefined {
  const { deadline } = toAttemptDue(row);
  return deadline && { ...deadline, visibleAt: afterHidden(deadline.at, row.deadlineHidden) };
}

/** A new attempt: with its message in the queue, or granted to the process that dispatches it. */
export function createAttemptRow(
  dispatch: Dispatch,
  input: { readonly sequence: number; readonly now: number },
  claim: BirthClaim | undefined,
): AttemptRow {
  const { entry, attempt, executor, secrets, message } = dispatch;
  const { sequence, now } = input;
  const begun = beginAttempt(dispatch, now);
  const facts = { entry, attempt, executor, secrets, message, sequence, dispatchedAt: now };
  const row = { ...begun, ...facts, keys: [], sentNo: 0 };
  if (claim === undefined) return send(row, now);
  return claimAtBirth(row, { owner: claim.owner, leaseMs: claim.leaseMs, now });
}

/** Queues the attempt's message, unless it is still queued. */
export function send(row: AttemptRow, now: number): AttemptRow {
  if (row.sent !== undefined) return row;
  const no = row.sentNo + 1;
  return { ...row, sentNo: no, sent: { no, dueAt: now, visibleAt: 0, deliveries: 0 } };
}

/** A claim removes the message. A queued attempt checks its key's holder now and then. */
export function toClaimed(row: AttemptRow, now: number): AttemptRow {
  return { ...row, sent: undefined, checkAt: row.status === "queued" ? now + CHECK_AFTER_MS : undefined };
}
