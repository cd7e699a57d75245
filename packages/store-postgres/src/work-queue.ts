import type { Store } from "@stackyard/core";
import { type QueuedEvent, toEventKey } from "@stackyard/core/engine";
import type { Database } from "./database.ts";
import type { GroupedCalls } from "./grouped-calls.ts";
import { toComparedText, toKeyText } from "./key-text.ts";
import { QueueFloor } from "./queue-floor.ts";
import { parseReceipts } from "./receipts.ts";
import type { Signals } from "./signals.ts";
import { giveBack, nextDueAt, takeDue } from "./take-due.ts";

/** The store as a queue. Calls that wait at the same time share one call of the server. */
export function createWorkQueue(
  database: Database,
  enqueues: GroupedCalls<readonly QueuedEvent[], readonly boolean[]>,
  acknowledges: GroupedCalls<readonly string[], undefined>,
  signals: Signals,
): Pick<Store, "enqueue" | "takeDue" | "release" | "nextDueAt"> {
  const floors = { events: new QueueFloor(), tasks: new QueueFloor() };
  return {
    async enqueue(events) {
      database.assertOpen();
      return events.length === 0 ? [] : database.within(enqueues.call(events));
    },
    takeDue: (input) => takeDue(database, floors, input),
    async release(receipts, visibleAt) {
      database.assertOpen();
      if (visibleAt === undefined) {
        if (receipts.length > 0) await acknowledges.call(receipts);
        return;
      }
      await giveBack(database, receipts, visibleAt);
      floors.events.reset();
      floors.tasks.reset();
      signals.tell(GIVEN_BACK);
    },
    nextDueAt: (kinds) => nextDueAt(database, kinds),
  };
}

interface EnqueuedRow {
  readonly added: readonly number[];
}

const EVENT = new Set(["event"] as const);
const GIVEN_BACK = new Set(["event", "task"] as const);

const ENQUEUE = { name: "enqueue_events", text: "select stackyard.enqueue_events($1, null) as added" };
const ENQUEUE_AND_NOTIFY = {
  name: "enqueue_and_notify",
  text: `select q.added, pg_notify($2, $3) from (select stackyard.enqueue_events($1, null) as added offset 0) q`,
};

/**
 * Adds the events of several calls, in their order. Returns for each call which of its events were added. A call that comes
 * alone tells the other processes by its own commit, which saves a round trip. Under load the signals do that: commits with a
 * notification wait for each other on the whole server.
 */
export async function enqueueAll(
  database: Database,
  signals: Pick<Signals, "tell" | "tellHere" | "messageOf">,
  calls: readonly (readonly QueuedEvent[])[],
): Promise<readonly (readonly boolean[])[]> {
  const rows = calls.flat().map((event, n) => ({ n, ...toEventRow(event) }));
  const isAlone = calls.length === 1;
  const row = isAlone
    ? await database.row<EnqueuedRow>(ENQUEUE_AND_NOTIFY, JSON.stringify(rows), ...signals.messageOf(EVENT))
    : await database.row<EnqueuedRow>(ENQUEUE, JSON.stringify(rows));
  if (isAlone) signals.tellHere(EVENT);
  else signals.tell(EVENT);
  const added = new Set(row?.added);
  let next = 0;
  return calls.map((events) => events.map(() => added.has(next++)));
}

const ACKNOWLEDGE = {
  name: "acknowledge_rows",
  isLong: true as const,
  text: `
with tasks as (
  update stackyard.open_attempt set queue_seq = null, queued_at = null where queue_seq = any($3::bigint[]))
select stackyard.remove_events($1, $2)`,
};

/** Removes the rows of several calls. */
export async function acknowledgeAll(
  database: Database,
  calls: readonly (readonly string[])[],
): Promise<readonly undefined[]> {
  const { events, tasks } = parseReceipts(calls.flat());
  if (events.length + tasks.length > 0) {
    const seqs = events.map(({ seq }) => seq);
    const stacks = events.map(({ stack }) => stack);
    await database.rows(ACKNOWLEDGE, seqs, stacks, tasks);
  }
  return calls.map(() => undefined);
}

/** A row for `enqueue_events`, without its number. `visibleAt`: not handed out before. */
export function toEventRow(event: QueuedEvent, visibleAt = 0): object {
  return {
    stack: toKeyText(event.stackId),
    id: toComparedText(toEventKey(event)),
    visible: visibleAt,
    queued: event.receivedAt,
    event: JSON.stringify(event),
  };
}
