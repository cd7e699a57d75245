import type { AttemptView, QueuedEvent } from "@stackyard/core/engine";
import type { Row } from "./attributes.ts";
import type { RowKind, WorkRow } from "./mutate-row.ts";
import type { CancelAttempt, Dispatch, TaskMessage } from "./port-types.ts";
import { toKeyPart, toUntakenAt } from "./work-keys.ts";

/** What a crash left undone is taken up after so long: whoever began is then not at it any more. */
export const REPAIR_AFTER_MS = 10_000;

/** An instant that is not handed out before another one. A new instant is handed out at once. */
export interface Hidden {
  readonly at: number;
  readonly until: number;
}

/** What follows from the end of an attempt, until it is done. */
export interface AttemptOutbox {
  readonly events: readonly { readonly event: QueuedEvent; readonly notBefore?: number | undefined }[];
  /** Keys that go to the next one. */
  readonly keys: readonly string[];
  readonly at: number;
}

/** One attempt: its lease, its message in the queue and its outbox are one item. */
export interface AttemptRow extends WorkRow {
  readonly attemptId: string;
  readonly stackId: string;
  readonly task: string;
  readonly entry: number;
  readonly attempt: number;
  readonly executor?: string | undefined;
  readonly secrets?: readonly string[] | undefined;
  readonly timeoutMs: number;
  readonly message: TaskMessage;
  /** Grows over the yard: the order in queues of keys. */
  readonly sequence: number;
  readonly dispatchedAt: number;
  readonly status: AttemptView["status"];
  readonly deadlineAt: number;
  readonly deadlineHidden?: Hidden | undefined;
  /** While it is queued: the time that is left when the clock goes on. */
  readonly remainingMs: number;
  readonly token: number;
  readonly owner?: string | undefined;
  readonly leaseUntil?: number | undefined;
  readonly pollDueAt?: number | undefined;
  /** Of a poll, or of a lapsed lease. */
  readonly hidden?: Hidden | undefined;
  readonly progress?: unknown;
  readonly progressMessage?: string | undefined;
  readonly cancel?: Pick<CancelAttempt, "why" | "withinMs"> | undefined;
  /** The end of the cancel's time; absent while nobody has claimed what is to be cancelled. */
  readonly cancelAt?: number | undefined;
  /** The present grant told its owner of the cancel. */
  readonly isCancelTold: boolean;
  /** The version of the stack whose commit asked for it last. */
  readonly cancelledBy?: number | undefined;
  readonly outcome?: AttemptView["outcome"] | undefined;
  readonly settledAt?: number | undefined;
  readonly log?: string | undefined;
  /** Keys that it has or may be queued for; noted before a key is touched, so that the end frees every one. */
  readonly keys: readonly string[];
  readonly heldKeys: readonly string[];
  readonly queuedFor?: string | undefined;
  /** A queued one looks after its key's holder then, should the one that was to pass it on have died. */
  readonly checkAt?: number | undefined;
  /** The message in the queue. */
  readonly sent?: SentMessage | undefined;
  readonly sentNo: number;
  /** The version of the stack whose commit sent it last. */
  readonly sentBy: number;
  readonly outbox?: AttemptOutbox | undefined;
}

/** A message that waits for a worker. */
export interface SentMessage {
  readonly no: number;
  readonly dueAt: number;
  /** 0: nobody has taken it yet. */
  readonly visibleAt: number;
  readonly deliveries: number;
}

/** How attempts are kept: by their id, with what makes them due. */
export const ATTEMPTS: RowKind<AttemptRow> = {
  name: "attempt",
  toKey: (id) => ({ pk: `attempt#${toKeyPart(id)}`, sk: "attempt" }),
  toIndex: (row) => ({
    ...toWork(row),
    ...toSweep(row),
    listKey: `attempts#${toKeyPart(row.stackId)}`,
    listAt: row.sequence,
  }),
};

/** Later, when the instant was handed out. */
export function afterHidden(at: number, hidden: Hidden | undefined): number {
  return hidden?.at === at ? Math.max(at, hidden.until) : at;
}

/** When the attempt's time is over, whatever was handed out. */
export function toDeadlineAt({ cancelAt, deadlineAt }: AttemptRow): number {
  return cancelAt ?? deadlineAt;
}

/** A poll or a lapsed lease, with its instant. */
export function findReturn(
  row: AttemptRow,
): { readonly kind: "poll" | "lapsedLease"; readonly at: number } | undefined {
  if (row.status === "suspended" && row.pollDueAt !== undefined) return { kind: "poll", at: row.pollDueAt };
  if (row.status === "running" && row.leaseUntil !== undefined) return { kind: "lapsedLease", at: row.leaseUntil };
  return undefined;
}

function toWork(row: AttemptRow): Row {
  if (row.sent !== undefined) {
    return { workKey: "task", workAt: row.sent.visibleAt || toUntakenAt(row.sequence) };
  }
  const due = findReturn(row);
  return due === undefined ? {} : { workKey: due.kind, workAt: afterHidden(due.at, row.hidden) };
}

function toSweep(row: AttemptRow): Row {
  const [kind, at] = toSweepEntry(row);
  return { sweepKey: kind, sweepAt: at };
}

function toSweepEntry(row: AttemptRow): readonly [kind: string, at: number] {
  if (row.outbox !== undefined) return ["ended", row.outbox.at + REPAIR_AFTER_MS];
  if (row.status === "settled") return ["settled", row.settledAt ?? 0];
  if (row.status === "queued") return ["queued", row.checkAt ?? 0];
  return ["deadline", afterHidden(toDeadlineAt(row), row.deadlineHidden)];
}

/** The attempt as people see it. */
export function toAttemptView(row: AttemptRow, queuedFor: AttemptView["queuedFor"]): AttemptView {
  const optional = {
    executor: row.executor,
    queuedFor,
    owner: row.owner,
    leaseUntil: row.leaseUntil,
    pollDueAt: row.pollDueAt,
    cancelling: row.cancel?.why,
    progressMessage: row.progressMessage,
    log: row.log,
    outcome: row.outcome,
  };
  const { attemptId, stackId, task, entry, attempt, status, dispatchedAt, deadlineAt, token, heldKeys } = row;
  return {
    ...{ attemptId, stackId, task, entry, attempt, status, dispatchedAt, deadlineAt, token, heldKeys },
    ...defined(optional),
  };
}

/** The names that a version of the port may lack. */
type Defined<T> = { readonly [Name in keyof T]?: Exclude<T[Name], undefined> };

/** Without what is undefined. */
export function defined<T extends object>(value: T): Defined<T> {
  // Only entries that have a value are kept.
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as Defined<T>;
}

/** What a commit makes of a dispatch. */
export function createAttemptRow(
  dispatch: Dispatch,
  input: { readonly sequence: number; readonly now: number; readonly unclaimedMs: number; readonly sentBy: number },
): AttemptRow {
  const { attemptId, stackId, task, entry, attempt, executor, secrets, timeoutMs, message } = dispatch;
  const { sequence, now, unclaimedMs, sentBy } = input;
  return {
    ...{ attemptId, stackId, task, entry, attempt, executor, secrets, timeoutMs, message, sequence, sentBy },
    dispatchedAt: now,
    status: "unclaimed",
    deadlineAt: now + unclaimedMs,
    remainingMs: unclaimedMs,
    token: 0,
    isCancelTold: false,
    keys: [],
    heldKeys: [],
    sentNo: 1,
    sent: { no: 1, dueAt: now, visibleAt: 0, deliveries: 0 },
  };
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** The time in which an attempt must be claimed. */
export function toUnclaimedMs(timeoutMs: number, runnersHaveStore: boolean): number {
  return runnersHaveStore ? Math.max(timeoutMs, DAY_MS) : timeoutMs;
}
