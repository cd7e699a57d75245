import type { DueKind, Logger, Store } from "@stackyard/core";
import {
  type DueItem,
  type LoadedStack,
  parseQueuedEvent,
  type QueuedEvent,
  type TakeDueInput,
  toEventKey,
} from "@stackyard/core/engine";
import { parseAttemptId } from "@stackyard/core/machine";
import { fromKeyText, toComparedText, toKeyText } from "./column-values.ts";
import type { Database, Statement } from "./database.ts";
import type { GroupedCalls } from "./grouped-calls.ts";
import { findSent, toAttemptId } from "./sent-text.ts";
import type { Signals } from "./signals.ts";
import { readStackRow, type StackRow } from "./stored-rows.ts";

/** Creates the queue of the store. Calls that wait at the same time share one call of the server. */
export function createWorkQueue(
  database: Database,
  enqueues: GroupedCalls<readonly QueuedEvent[], readonly boolean[]>,
  acknowledgements: GroupedCalls<readonly string[], undefined>,
  signals: Signals,
  logger: Logger,
): Pick<Store, "enqueue" | "takeDue" | "release" | "nextDueAt"> {
  const queue: Queue = { database, logger, floors: { events: new QueueFloor(), tasks: new QueueFloor() } };
  const { floors } = queue;
  return {
    async enqueue(events) {
      database.assertOpen();
      return events.length === 0 ? [] : database.within(enqueues.call(events));
    },
    takeDue: (input) => takeDue(queue, input),
    async release(receipts, visibleAt) {
      database.assertOpen();
      if (visibleAt === undefined) {
        if (receipts.length > 0) await acknowledgements.call(receipts);
        return;
      }
      await giveBack(database, receipts, visibleAt);
      floors.events.reset();
      floors.tasks.reset();
      signals.notify(["event", "task"]);
    },
    nextDueAt: (kinds) => nextDueAt(database, kinds),
  };
}

const ENQUEUE = { name: "enqueue_events", text: "select stackyard.enqueue_events($1, null) as added" };
const ENQUEUE_AND_NOTIFY = {
  name: "enqueue_and_notify",
  text: `select q.added, pg_notify($2, $3) from (select stackyard.enqueue_events($1, null) as added offset 0) q`,
};

/**
 * Adds the events of several calls, in order. Returns for each call which of its events were added. A single call
 * notifies the other processes in its own commit, which saves a round trip. Under load the signals do that, because
 * commits with a notification wait for each other on the whole server.
 */
export async function enqueueAll(
  database: Database,
  signals: Pick<Signals, "notify" | "notifyHere" | "messageOf">,
  calls: readonly (readonly QueuedEvent[])[],
): Promise<readonly (readonly boolean[])[]> {
  const rows = calls.flat().map((event, n) => ({ n, ...toEventRow(event) }));
  const isAlone = calls.length === 1;
  const statement = isAlone ? ENQUEUE_AND_NOTIFY : ENQUEUE;
  const message = isAlone ? signals.messageOf(["event"]) : [];
  const row = await database.row<{ added: readonly number[] }>(statement, JSON.stringify(rows), ...message);
  if (isAlone) signals.notifyHere(["event"]);
  else signals.notify(["event"]);
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

/** Returns a row for `enqueue_events`, without its number. `visibleAt`: not delivered before. */
export function toEventRow(event: QueuedEvent, visibleAt = 0): object {
  return {
    stack: toKeyText(event.stackId),
    id: toComparedText(toEventKey(event)),
    visible: visibleAt,
    queued: event.receivedAt,
    event: JSON.stringify(event),
  };
}

type OtherKind = Exclude<DueKind, "event">;

interface Taken {
  readonly at: number;
  readonly item: DueItem;
}

/** The dependencies of takes, and where those of this process begin to look. */
interface Queue {
  readonly database: Database;
  readonly logger: Logger;
  readonly floors: { readonly events: QueueFloor; readonly tasks: QueueFloor };
}

/** Receives due items, oldest first over all kinds, and leases them. */
async function takeDue(queue: Queue, input: TakeDueInput): Promise<readonly DueItem[]> {
  const { database, floors } = queue;
  database.assertOpen();
  const kinds = [...new Set(input.kinds)].sort();
  const others = kinds.filter((kind): kind is OtherKind => kind !== "event");
  const taken = others.length === 0 ? [] : await takeOthers(queue, others, input);
  if (others.length === kinds.length) return taken.map(({ item }) => item);
  const events = await takeEvents(database, floors.events, input);
  return others.length === 0 ? events.map(({ item }) => item) : mergeTaken(queue, [...events, ...taken], input);
}

/** Claims events and other work in one call, which no consumer of ours does. Releases the excess at once. */
async function mergeTaken(
  { database, floors }: Queue,
  taken: readonly Taken[],
  input: TakeDueInput,
): Promise<readonly DueItem[]> {
  const items = [...taken].sort((a, b) => a.at - b.at).map(({ item }) => item);
  const surplus = items.slice(input.limit).flatMap((item) => ("receipt" in item ? [item.receipt] : []));
  await giveBack(database, surplus, input.now);
  floors.events.reset();
  floors.tasks.reset();
  return items.slice(0, input.limit);
}

interface EventRow extends Omit<StackRow, "id" | "version"> {
  readonly seq: number;
  readonly stack_id: string;
  readonly due_at: number;
  readonly deliveries: number;
  readonly event: string;
  readonly is_known: boolean;
  /** Null if the stack does not exist. */
  readonly version: number | null;
}

const TAKE_EVENTS = {
  name: "take_events",
  isLong: true as const,
  text: "select * from stackyard.take_events($1, $2, $3, $4)",
};

async function takeEvents(
  database: Database,
  floor: QueueFloor,
  { now, limit, leaseMs }: TakeDueInput,
): Promise<readonly Taken[]> {
  const rows = await database.rows<EventRow>(TAKE_EVENTS, now, limit, leaseMs, floor.next(now));
  const seqs = rows.map(({ seq }) => seq);
  floor.note(seqs, rows.length === limit);
  let at = 0;
  return rows.map((row) => {
    // Events keep their order among themselves, also where their instants do not.
    at = Math.max(at, row.due_at);
    const { seq, stack_id, deliveries } = row;
    const known = { id: `row-${seq}`, stackId: fromKeyText(stack_id), receivedAt: row.due_at };
    const event = parseQueuedEvent(row.event, known);
    const loaded = row.is_known ? toLoaded(row, event.stackId) : undefined;
    const item = { kind: "event", receipt: toEventReceipt(seq, stack_id), event, deliveries } as const;
    return { at, item: loaded === undefined ? item : { ...item, loaded } };
  });
}

/** Returns undefined for an unreadable record; loading the stack then throws the reason. */
function toLoaded(row: EventRow, stackId: string): LoadedStack | undefined {
  const { version } = row;
  if (version === null) return { stackId, version: 0, parked: [] };
  const read = readStackRow({ ...row, id: stackId, version });
  return read.kind === "stack" ? { stackId, version, stack: read.stack, parked: [] } : undefined;
}

interface OtherRow {
  readonly kind: OtherKind;
  readonly key: string;
  readonly at: number;
  readonly seq: number | null;
  readonly deliveries: number | null;
  readonly attempt_id: string | null;
  readonly stack_id: string | null;
  readonly sent: string | null;
  readonly cancel_until: number | null;
}

async function takeOthers(
  { database, floors, logger }: Queue,
  kinds: readonly OtherKind[],
  { now, limit, leaseMs }: TakeDueInput,
): Promise<readonly Taken[]> {
  const parameters = [now, limit, now + leaseMs];
  if (!kinds.includes("task")) return toTaken(await database.rows<OtherRow>(toStatement(kinds), ...parameters), logger);
  const rows = await database.rows<OtherRow>(toStatement(kinds), ...parameters, floors.tasks.next(now));
  const tasks = rows.flatMap(({ seq }) => (seq === null ? [] : [seq])).sort((a, b) => a - b);
  floors.tasks.note(tasks, tasks.length === limit);
  return toTaken(rows, logger);
}

/** Leaves damaged rows out, and logs them. They come again after the lease, and end at their deadlines. */
function toTaken(rows: readonly OtherRow[], logger: Logger): readonly Taken[] {
  return rows.flatMap((row) => {
    const item = toItem(row);
    if (item !== undefined) return [{ at: row.at, item }];
    const attemptId = fromKeyText(row.attempt_id ?? "");
    const stackId = fromKeyText(row.stack_id ?? "");
    logger.error("The message of an attempt cannot be read. Retry the task.", {
      stackId,
      attemptId,
      code: "STORE_CORRUPT",
    });
    return [];
  });
}

const TASK_LEASES = `update stackyard.open_attempt o
     set visible_at = $3, deliveries = o.deliveries + 1
   where o.queue_seq = any(array(select c.seq from chosen c)) returning o.queue_seq as seq, o.deliveries`;

const OTHER_LEASES = `insert into stackyard.due_lease as d (key, until)
  select c.key, $3 from chosen c where c.kind <> 'task' order by c.key
  on conflict (key) do update set until = excluded.until where d.until <= $1
  returning d.key`;

// A lower bound that is reached moves to the exact time, so that the row is not read again earlier.
const MOVE_BOUNDS = `update stackyard.open_attempt x set due_at = least(x.ends_at, x.lease_until, x.poll_due_at)
   where (x.home, x.place) in (
     select o.home, o.place from stackyard.open_attempt o
      where o.due_at <= $1 and least(o.ends_at, o.lease_until, o.poll_due_at) > $1
      order by o.due_at limit 256 for update skip locked)`;

const OF_ATTEMPTS: readonly OtherKind[] = ["poll", "lapsedLease", "deadline"];

// A lease that is lost with the server's power is taken again: no take waits for the disk.
function toStatement(kinds: readonly OtherKind[]): Statement {
  const sources = kinds.map((kind) => `found_${kind.toLowerCase()} as materialized (${DUE_SOURCES[kind].due})`);
  const all = kinds.map((kind) => `select * from found_${kind.toLowerCase()}`).join(" union all ");
  const parts = [
    "quick as materialized (select set_config('synchronous_commit', 'off', true))",
    ...sources,
    `chosen as materialized (select a.* from (${all}) a, quick order by a.at, a.seq, a.key limit $2)`,
    `tasks as (${TASK_LEASES})`,
    `others as (${OTHER_LEASES})`,
    ...(kinds.some((kind) => OF_ATTEMPTS.includes(kind)) ? [`moved as (${MOVE_BOUNDS})`] : []),
  ];
  const text = `with ${parts.join(",\n")}
select c.kind, c.key, c.at, c.seq, t.deliveries, c.attempt_id, c.stack_id, c.cancel_until, b.sent
  from chosen c
  left join tasks t on t.seq = c.seq
  left join others o on o.key = c.key
  left join stackyard.history b on b.position = c.began_at and b.position = any(array(select o.began_at from chosen o))
 where t.seq is not null or o.key is not null
 order by c.at, c.seq, c.key`;
  return { isLong: true, name: `take_${kinds.join("_")}`, text };
}

/** Returns undefined for a damaged row. */
function toItem(row: OtherRow): DueItem | undefined {
  const stackId = fromKeyText(row.stack_id ?? "");
  if (row.kind === "timer" || row.kind === "parked") return { kind: row.kind, stackId, dueAt: row.at };
  const { attempt_id: column } = row;
  const sent = findSent(row.sent, column);
  const attemptId = toAttemptId(column, sent);
  const task = sent?.task ?? parseAttemptId(attemptId)?.task;
  if (task === undefined) return undefined;
  if (row.kind === "deadline") {
    const why = row.cancel_until === null ? "deadline" : "cancel";
    return { kind: "deadline", stackId, attemptId, task, why, dueAt: row.at };
  }
  if (sent === undefined) return undefined;
  const facts = { receipt: row.key, attemptId, message: sent.message };
  if (row.kind === "task") return { kind: "task", ...facts, deliveries: row.deliveries ?? 1 };
  return { kind: row.kind, ...facts, dueAt: row.at };
}

/** The source of one kind of due work; `$1` is now, `$2` the limit, `$4` where to look from in the queue. */
interface DueSource {
  /** Selects `kind`, `key` (the receipt, or the name of this work at this instant), `at`, and the parts of the item. */
  readonly due: string;
  /**
   * Selects `at`, the earliest instant at which an item of the kind may be due; leased items are due when they come
   * back.
   */
  readonly next: string;
}

/**
 * Rows that the search for the next instant reads at most; rows behind them are due no earlier than the last of them.
 */
const LOOK = 1_000;

const FREE = "coalesce((select d.until from stackyard.due_lease d where d.key = x.key), 0) <= $1";

function nextOf(rows: string): string {
  return `select least(min(coalesce(d.until, x.at)), case when count(*) = ${LOOK} then max(x.bound) end) as at
       from (${rows} limit ${LOOK}) x left join stackyard.due_lease d on d.key = x.key`;
}

function attemptSource(kind: "poll" | "lapsedLease" | "deadline", column: string, key: string): DueSource {
  const rows = `select ${key} as key, o.began_at, o.attempt_id, o.stack_id, o.${column} as at, o.due_at as bound, o.cancel_until
         from stackyard.open_attempt o where o.${column} is not null`;
  return {
    due: `select '${kind}' as kind, x.key, x.at, null::bigint as seq, x.began_at, x.attempt_id, x.stack_id, x.cancel_until
       from (${rows} and o.due_at <= $1 and o.${column} <= $1) x where ${FREE} order by x.at limit $2`,
    next: nextOf(`${rows} and o.due_at is not null order by o.due_at`),
  };
}

/** Returns the source of one kind. `due`: rows that are due, one per stack. */
function stackSource(kind: "timer" | "parked", parts: { rows: string; due: string; instant: string }): DueSource {
  const { rows, due, instant } = parts;
  return {
    due: `select '${kind}' as kind, x.key, x.at, null::bigint as seq, null::bigint as began_at,
                 null as attempt_id, x.stack_id, null::bigint as cancel_until
       from (${due}) x where ${FREE} order by x.at limit $2`,
    next: nextOf(`${rows} order by ${instant}`),
  };
}

const TIMERS = `select 'timer:' || s.timer_at || ':' || s.version || ':' || s.id as key, s.timer_at as at, s.timer_at as bound,
            s.id as stack_id from stackyard.stacks s where s.timer_at is not null`;
const PARKED = `select 'parked:' || p.next_try_at || ':' || p.stack_id as key, p.next_try_at as at, p.next_try_at as bound,
            p.stack_id from stackyard.parked p where true`;

/**
 * Where due work besides events is found. The keys of timers name the version: a later record may have one of the same
 * instant.
 */
const DUE_SOURCES: Readonly<Record<Exclude<DueKind, "event">, DueSource>> = {
  task: {
    due: `select 'task' as kind, 'task:' || o.queue_seq as key, greatest(o.queued_at, o.visible_at) as at,
                 o.queue_seq as seq, o.began_at, o.attempt_id, o.stack_id, null::bigint as cancel_until
       from stackyard.open_attempt o where o.queue_seq >= $4 and o.visible_at <= $1
      order by o.queue_seq limit $2 for update skip locked`,
    next: "select min(o.visible_at) as at from stackyard.open_attempt o where o.queue_seq is not null",
  },
  poll: attemptSource("poll", "poll_due_at", "'poll:' || o.poll_due_at || ':' || o.token || ':' || o.began_at"),
  lapsedLease: attemptSource(
    "lapsedLease",
    "lease_until",
    "'lapsedLease:' || o.lease_until || ':' || o.token || ':' || o.began_at",
  ),
  deadline: attemptSource("deadline", "ends_at", "'deadline:' || o.ends_at || ':' || o.began_at"),
  timer: stackSource("timer", { rows: TIMERS, due: `${TIMERS} and s.timer_at <= $1`, instant: "s.timer_at" }),
  parked: stackSource("parked", {
    rows: PARKED,
    // A stack may have several.
    due: `select distinct on (r.stack_id) r.* from (${PARKED} and p.next_try_at <= $1) r order by r.stack_id, r.at`,
    instant: "p.next_try_at",
  }),
};

// Only the first event of each stack counts: the others come behind it.
const EVENTS = `select min(greatest(q.visible_at, coalesce(l.until, 0))) as at
       from (select distinct on (stack_id) stack_id, visible_at from stackyard.event_queue order by stack_id, seq) q
       left join stackyard.event_lease l on l.stack_id = q.stack_id`;

/** Returns the earliest instant at which an item of these kinds may be due. */
async function nextDueAt(database: Database, kinds: readonly DueKind[]): Promise<number | undefined> {
  database.assertOpen();
  if (kinds.length === 0) return undefined;
  const row = await database.row<{ at: number | null }>(toNextStatement([...new Set(kinds)].sort()));
  return row?.at ?? undefined;
}

function toNextStatement(kinds: readonly DueKind[]): Statement {
  const parts = kinds.map((kind) => (kind === "event" ? EVENTS : DUE_SOURCES[kind].next));
  const text = `select min(n.at) as at from (${parts.map((part) => `(${part})`).join(" union all ")}) n`;
  return { name: `next_${kinds.join("_")}`, text };
}

const GIVE_BACK = {
  name: "give_back_rows",
  isLong: true as const,
  text: "select stackyard.give_back_rows($1, $2, $3, $4, $5)",
};

/** Makes rows visible again from an instant on. Ignores unknown receipts. */
async function giveBack(database: Database, receipts: readonly string[], visibleAt: number): Promise<void> {
  const { events, tasks, others } = parseReceipts(receipts);
  if (events.length + tasks.length + others.length === 0) return;
  const seqs = events.map(({ seq }) => seq);
  const stacks = events.map(({ stack }) => stack);
  await database.rows(GIVE_BACK, seqs, stacks, tasks, others, visibleAt);
}

/** The time for which a place may be relied on: what comes back or is committed late below it waits so long at most. */
const TRUSTED_MS = 200;

/**
 * Where the next take begins to look in a queue. The places of rows that are gone stay in the index until the server
 * cleans up, once a minute: under load each take would pass tens of thousands of them.
 */
export class QueueFloor {
  #from = 0;
  #lookedAt = Number.NEGATIVE_INFINITY;

  /**
   * Returns the lowest number that a claim reads. It is zero from time to time, and after a claim that was not full.
   */
  next(now: number): number {
    if (this.#from > 0 && now >= this.#lookedAt && now < this.#lookedAt + TRUSTED_MS) return this.#from;
    this.#from = 0;
    this.#lookedAt = now;
    return 0;
  }

  /** Notes the rows that a take has found, in order; `isFull`: as many as it may return. */
  note(seqs: readonly number[], isFull: boolean): void {
    this.#from = isFull ? (seqs[0] ?? 0) : 0;
  }

  /** Makes the next claim read all rows, after a row was released. */
  reset(): void {
    this.#from = 0;
  }
}

/** Rows of the queues that receipts refer to. */
interface ReceiptRows {
  readonly events: readonly { readonly seq: number; readonly stack: string }[];
  readonly tasks: readonly number[];
  /** Leases of work that is not in a queue. */
  readonly others: readonly string[];
}

const QUEUED = /^(event|task):(\d{1,15})(?::([\s\S]*))?$/;
const OTHER = /^(poll|lapsedLease):[\s\S]+$/;

/** Returns the receipt of an event; it names the stack (as a key) so that its lease is found without the row. */
export function toEventReceipt(seq: number, stack: string): string {
  return `event:${seq}:${stack}`;
}

/** Parses receipts. Ignores unknown ones. */
export function parseReceipts(receipts: readonly string[]): ReceiptRows {
  const events: { seq: number; stack: string }[] = [];
  const tasks: number[] = [];
  const others: string[] = [];
  for (const receipt of receipts) {
    const [, kind, seq, stack = ""] = QUEUED.exec(receipt) ?? [];
    if (kind === "event") events.push({ seq: Number(seq), stack });
    else if (kind === "task") tasks.push(Number(seq));
    else if (OTHER.test(receipt)) others.push(receipt);
  }
  return { events, tasks, others };
}
