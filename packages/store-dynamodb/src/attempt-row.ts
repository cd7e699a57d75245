import { type Attempt, type AttemptFacts, toAttemptDue } from "@stackyard/core/attempt";
import type { QueuedEvent } from "@stackyard/core/engine";
import type { Row } from "./attributes.ts";
import type { RowKind, WorkRow } from "./mutate-row.ts";
import type { TaskMessage } from "./port-types.ts";
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
export interface AttemptRow extends Attempt, AttemptFacts, WorkRow {
  readonly secrets?: readonly string[] | undefined;
  readonly message: TaskMessage;
  /** Grows over the yard: the order in queues of keys. */
  readonly sequence: number;
  readonly deadlineHidden?: Hidden | undefined;
  /** Of a poll, or of a lapsed lease. */
  readonly hidden?: Hidden | undefined;
  /** The version of the stack whose commit asked for its cancel last. */
  readonly cancelledBy?: number | undefined;
  /** Keys that it has or may be queued for; noted before a key is touched, so that the end frees every one. */
  readonly keys: readonly string[];
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

/** A poll or a lapsed lease, with its instant. */
export function findReturn(
  row: AttemptRow,
): { readonly kind: "poll" | "lapsedLease"; readonly at: number } | undefined {
  const { poll, lapsedLease } = toAttemptDue(row);
  if (poll !== undefined) return { kind: "poll", at: poll };
  return lapsedLease === undefined ? undefined : { kind: "lapsedLease", at: lapsedLease };
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
  const { deadline } = toAttemptDue(row);
  return deadline === undefined
    ? ["queued", row.checkAt ?? 0]
    : ["deadline", afterHidden(deadline.at, row.deadlineHidden)];
}
