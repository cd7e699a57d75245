import { type AttemptMove, beginAttempt } from "@stackyard/core/attempt";
import type { AttemptRow } from "./attempt-row.ts";
import type { Dispatch } from "./port-types.ts";

/** How long a queued attempt waits before it looks after the holder of its key. */
const CHECK_AFTER_MS = 60_000;

/** The item of a new attempt, with its message in the queue. */
export function createAttemptRow(
  dispatch: Dispatch,
  input: { readonly sequence: number; readonly now: number; readonly claimWindowMs: number; readonly sentBy: number },
): AttemptRow {
  const { entry, attempt, executor, secrets, message } = dispatch;
  const { sequence, now, sentBy } = input;
  const begun = beginAttempt(dispatch, input);
  const row = { ...begun, entry, attempt, executor, secrets, message, sequence, sentBy, dispatchedAt: now };
  return send({ ...row, keys: [], sentNo: 0 }, now);
}

/** Queues the attempt's message, unless it is still queued. */
export function send(row: AttemptRow, now: number): AttemptRow {
  if (row.sent !== undefined) return row;
  const no = row.sentNo + 1;
  return { ...row, sentNo: no, sent: { no, dueAt: now, visibleAt: 0, deliveries: 0 } };
}

/** A claim removes the message. A queued attempt looks after its key's holder now and then. */
export function toClaimed(row: AttemptRow, now: number): AttemptRow {
  return { ...row, sent: undefined, checkAt: row.status === "queued" ? now + CHECK_AFTER_MS : undefined };
}

/**
 * A move as an item. What follows from the end of an attempt is its outbox: its events, and every key that it has or may
 * be queued for, which `keys` notes before a key is touched.
 */
export function toMovedRow({ attempt, effects }: AttemptMove<AttemptRow>, now: number): AttemptRow {
  if (attempt.status !== "settled") {
    const moved = { ...attempt, checkAt: attempt.status === "queued" ? attempt.checkAt : undefined };
    return effects.some(({ kind }) => kind === "send") ? send(moved, now) : moved;
  }
  const events = effects.flatMap((effect) => (effect.kind === "enqueue" ? [toOutboxEvent(effect)] : []));
  const { keys } = attempt;
  const outbox = events.length + keys.length === 0 ? undefined : { events, keys, at: now };
  return { ...attempt, checkAt: undefined, sent: undefined, outbox };
}

function toOutboxEvent({
  event,
  notBefore,
}: Pick<NonNullable<AttemptRow["outbox"]>["events"][number], "event" | "notBefore">) {
  return { event, notBefore };
}
