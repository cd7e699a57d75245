import {
  createMemoryQueue,
  createPageBuilder,
  type DeadLetter,
  type DueItem,
  type DueSource,
  type Page,
  type PageInput,
  type ParkedEvent,
  type ParkedHead,
  parseQueuedEvent,
  parseStored,
  type QueuedEvent,
  type Take,
  type TakenRow,
  toEventKey,
  toParkedEvent,
  toParkedHead,
  toStartPosition,
} from "@stackyard/core/engine";
import { byteLengthOf, type Database, type Effects, Sequence, toGivenConditions } from "./database.ts";

/** A queued event in memory. */
interface KnownEvent {
  readonly seq: number;
  readonly stackId: string;
  readonly key: string;
  readonly receivedAt: number;
}

interface EventRow {
  readonly seq: number;
  readonly stack_id: string;
  readonly event_id: string;
  readonly visible_at: number;
  readonly deliveries: number;
  readonly queued_at: number;
  readonly event: string;
}

/** Rows that one take reads at most beyond those that it returns. */
const MAX_SKIPPED = 10_000;

/**
 * The queue of events: its table, and its head in memory with the leases of its rows. Leases need no write, since one
 * process owns the table: when it crashes they are void, and the rows are delivered again. Each row is read once, in
 * its turn, so the cost of a take depends on the rows that it returns, not on the length of the queue.
 */
export class EventQueue {
  readonly #database: Database;
  readonly #seqs: Sequence;
  readonly #known = createMemoryQueue<KnownEvent>("event");
  /** Events that the present take has read. */
  readonly #documents = new Map<number, string>();
  /** All rows up to this one were read. */
  #readTo = 0;
  /** The number of queued events of each stack; undefined until the first query. */
  #ofStacks: Map<string, number> | undefined;

  constructor(database: Database) {
    this.#database = database;
    this.#seqs = Sequence.load(database, "event_queue", "seq");
  }

  /** Adds an event unless its key is queued, parked or applied. True when it was added. */
  add(effects: Effects, event: QueuedEvent, notBefore = 0): boolean {
    const { stackId } = event;
    const key = toEventKey(event);
    if (!rememberKey(this.#database, key, stackId)) return false;
    const insert = `insert into event_queue (seq, stack_id, event_id, visible_at, deliveries, queued_at, event)
       values (?, ?, ?, ?, 0, ?, ?)`;
    this.#database.run(insert, this.#seqs.next(), stackId, key, notBefore, event.receivedAt, JSON.stringify(event));
    this.#count(stackId, 1);
    effects.signal("event");
    return true;
  }

  /**
   * Removes an event that was handled. Its key is forgotten, so that it may come again, unless it was applied or
   * parked; `remembered`: keys that the caller remembers in the same effects.
   */
  remove(effects: Effects, receipt: string, remembered?: ReadonlySet<string>): void {
    const row = this.#known.find(receipt)?.value;
    if (row === undefined || this.#database.run("delete from event_queue where seq = ?", row.seq) === 0) return;
    if (remembered?.has(row.key) !== true) forgetKey(this.#database, row.key, row.stackId);
    this.#count(row.stackId, -1);
    effects.afterCommit(() => this.#known.remove(receipt));
  }

  /** Ends the lease of an event; the row remembers the instant and the count over a restart. */
  giveBack(effects: Effects, receipt: string, visibleAt: number): void {
    const row = this.#known.find(receipt);
    if (row === undefined) return;
    const { seq } = row.value;
    const update = "update event_queue set visible_at = ?, deliveries = ? where seq = ?";
    this.#database.run(update, visibleAt, row.deliveries, seq);
    effects.afterCommit(() => this.#known.giveBack(receipt, visibleAt));
    effects.signal("event");
  }

  /** Returns true when events of the stack are queued besides those with these receipts, whenever they are due. */
  hasOthers(stackId: string, receipts: readonly string[]): boolean {
    const queued = this.#countAll().get(stackId) ?? 0;
    if (queued === 0) return false;
    const own = [...new Set(receipts)].filter((each) => this.#known.find(each)?.value.stackId === stackId);
    return queued > own.length;
  }

  countQueued(): number {
    let sum = 0;
    for (const count of this.#countAll().values()) sum += count;
    return sum;
  }

  /** Returns when the first queued event was received. */
  findOldestAt(): number | undefined {
    const first = "select queued_at from event_queue order by seq limit 1";
    return this.#database.get<{ queued_at: number }>(first)?.queued_at;
  }

  /** Makes the next query count again. */
  forgetCounts(): void {
    this.#ofStacks = undefined;
  }

  /** Opens the source of one take. `limit`: of the take. */
  openSource(limit: number): DueSource {
    this.#documents.clear();
    let readable = limit + MAX_SKIPPED;
    const findDueAt = (take: Take): number | undefined => {
      for (;;) {
        const dueAt = this.#known.findDueAt(take);
        if (dueAt !== undefined || readable <= 0 || this.#readTo >= this.#seqs.last) return dueAt;
        readable -= this.#readMore(limit, take);
      }
    };
    return {
      findDueAt,
      takeOne: (take) => {
        const row = this.#known.takeOne(take);
        return row && this.#toItem(row);
      },
      nextDueAt: () => (this.#readTo < this.#seqs.last ? 0 : this.#known.nextDueAt()),
    };
  }

  #toItem({ receipt, value, deliveries }: TakenRow<KnownEvent>): DueItem | undefined {
    const { seq, key: id } = value;
    const document = this.#documents.get(seq) ?? this.#readDocument(seq);
    if (document === undefined) return undefined;
    return { kind: "event", receipt, event: parseQueuedEvent(document, { ...value, id }), deliveries };
  }

  #readDocument(seq: number): string | undefined {
    return this.#database.get<{ event: string }>("select event from event_queue where seq = ?", seq)?.event;
  }

  #readMore(limit: number, take: Take): number {
    const select = `select seq, stack_id, event_id, visible_at, deliveries, queued_at, event
         from event_queue where seq > ? order by seq limit ?`;
    const rows = this.#database.all<EventRow>(select, this.#readTo, limit);
    for (const { seq: number, stack_id: lane, visible_at: visibleAt, deliveries, ...row } of rows) {
      const place = { number, lane, dueAt: Math.max(row.queued_at, visibleAt), visibleAt, deliveries };
      this.#known.add({ seq: number, stackId: lane, key: row.event_id, receivedAt: row.queued_at }, place, take);
      this.#documents.set(number, row.event);
    }
    this.#readTo = rows.length < limit ? this.#seqs.last : (rows.at(-1)?.seq ?? this.#seqs.last);
    return rows.length;
  }

  #countAll(): Map<string, number> {
    this.#ofStacks ??= new Map(
      this.#database
        .all<{ stack_id: string; count: number }>(
          "select stack_id, count(*) as count from event_queue group by stack_id",
        )
        .map(({ stack_id, count }) => [stack_id, count]),
    );
    return this.#ofStacks;
  }

  #count(stackId: string, delta: number): void {
    const count = (this.#ofStacks?.get(stackId) ?? 0) + delta;
    if (count === 0) this.#ofStacks?.delete(stackId);
    else this.#ofStacks?.set(stackId, count);
  }
}

/** Remembers that an event with the key is known to its stack; false when it was before. */
function rememberKey(database: Database, key: string, stackId: string): boolean {
  const insert = "insert into event_id (event_id, stack_id) values (?, ?) on conflict do nothing";
  return database.run(insert, key, stackId) > 0;
}

/** Forgets a key that is not in use. */
function forgetKey(database: Database, key: string, stackId: string): void {
  const remove = `delete from event_id
      where event_id = ? and stack_id = ? and applied_at is null
        and not exists (select 1 from parked where parked.stack_id = event_id.stack_id
                                               and parked.event_id = event_id.event_id)`;
  database.run(remove, key, stackId);
}

/** Where parked events are kept. */
interface ParkedPlace {
  readonly database: Database;
  /** Stacks that may have parked events: asking the table for each load would cost more than all that are parked. */
  readonly parkedStacks: Set<string>;
}

/** Parks an event; one that is parked already is replaced. */
export function parkEvent(place: ParkedPlace, parked: ParkedEvent): void {
  const { database, parkedStacks } = place;
  const { stackId } = parked.event;
  const key = toEventKey(parked.event);
  const head = toParkedHead(parked);
  if (!writeParkedHead(database, head)) {
    const values = [parked.parkedAt, parked.nextTryAt, JSON.stringify(head), stackId, key];
    const insert = "insert into parked (parked_at, next_try_at, head, stack_id, event_id) values (?, ?, ?, ?, ?)";
    database.run(insert, ...values);
    rememberKey(database, key, stackId);
    parkedStacks.add(stackId);
  }
  const message = `insert into parked_message (parked_no, message)
     select parked_no, ? from parked where stack_id = ? and event_id = ?
     on conflict do update set message = excluded.message`;
  database.run(message, JSON.stringify(parked.event.message), stackId, key);
}

/** Replaces the head of a parked event. Returns false when the event is not parked. */
export function writeParkedHead(database: Database, head: ParkedHead): boolean {
  const update = "update parked set parked_at = ?, next_try_at = ?, head = ? where stack_id = ? and event_id = ?";
  const { event, parkedAt, nextTryAt } = head;
  return database.run(update, parkedAt, nextTryAt, JSON.stringify(head), event.stackId, toEventKey(event)) > 0;
}

/** Unparks an event. Its id is forgotten, unless it was applied or is queued. */
export function unparkEvent(database: Database, stackId: string, eventId: string): void {
  const remove = "delete from parked where stack_id = ? and event_id = ? returning parked_no";
  const row = database.get<{ parked_no: number }>(remove, stackId, eventId);
  if (row === undefined) return;
  database.run("delete from parked_message where parked_no = ?", row.parked_no);
  forgetKey(database, eventId, stackId);
}

/** Loads the heads of the parked events of a stack, oldest first. */
export function loadHeads({ database, parkedStacks }: ParkedPlace, stackId: string): readonly ParkedHead[] {
  if (!parkedStacks.has(stackId)) return [];
  const select = "select head from parked where stack_id = ? order by parked_at, parked_no";
  const rows = database.all<{ head: string }>(select, stackId);
  if (rows.length === 0) parkedStacks.delete(stackId);
  return rows.map(({ head }) => parseStored.parkedHead(head, toParkedName(stackId)));
}

/** Loads parked events of a stack by their keys. */
export function loadParked(database: Database, stackId: string, keys: readonly string[]): readonly ParkedEvent[] {
  const select = `select head, message from parked left join parked_message using (parked_no)
     where stack_id = ? and event_id = ?`;
  return keys.flatMap((key) => {
    const row = database.get<{ head: string; message: string | null }>(select, stackId, key);
    if (row === undefined) return [];
    const name = toParkedName(stackId);
    return [toParkedEvent(parseStored.parkedHead(row.head, name), parseStored.message(row.message ?? "", name))];
  });
}

function toParkedName(stackId: string): string {
  return `parked event of the stack ${JSON.stringify(stackId)}`;
}

/** Lists ids of stacks with parked events, in order, whether or not the stacks exist. */
export function listParkedStackIds(
  database: Database,
  { after = "", limit }: { readonly after?: string; readonly limit: number },
): readonly string[] {
  const select = "select distinct stack_id from parked where stack_id > ? order by stack_id limit ?";
  const rows = database.all<{ stack_id: string }>(select, after, limit);
  return rows.map(({ stack_id }) => stack_id);
}

interface DeadLetterRow {
  readonly position: number;
  readonly id: string;
  readonly body: string;
}

/** Keeps an event that was given up. */
export function setEventAside(database: Database, deadLetter: DeadLetter): void {
  const { id, event, code, deadLetteredAt } = deadLetter;
  const insert = "insert into dead_letter (id, stack_id, code, dead_lettered_at, body) values (?, ?, ?, ?, ?)";
  database.run(insert, id, event.stackId, code, deadLetteredAt, JSON.stringify(deadLetter));
}

/** Lists dead letters, newest first. */
export function listDeadLetters(
  database: Database,
  filter: { readonly stackId?: string; readonly code?: string },
  page: PageInput,
): Page<DeadLetter> {
  const { conditions, values } = toGivenConditions([
    ["position < ?", toStartPosition(page.cursor, true)],
    ["stack_id = ?", filter.stackId],
    ["code = ?", filter.code],
  ]);
  const where = conditions.join(" and ");
  const select = `select position, id, body from dead_letter where ${where} order by position desc limit ?`;
  const rows = database.each<DeadLetterRow>(select, ...values, page.limit + 1);
  const found = createPageBuilder<DeadLetter>(page);
  for (const row of rows) {
    const { id, position, body } = row;
    const cursor = String(position);
    if (!found.add({ id, cursor, bytes: byteLengthOf(body), read: () => toDeadLetter(row) })) break;
  }
  return found.end();
}

function toDeadLetter({ id, body }: Pick<DeadLetterRow, "id" | "body">): DeadLetter {
  return parseStored.deadLetter(body, `event ${JSON.stringify(id)} that was dead-lettered`);
}

/** Removes these entries, also damaged ones, and returns the ids of those that were found. */
export function removeDeadLetters(database: Database, ids: readonly string[]): readonly string[] {
  const remove = "delete from dead_letter where id = ? returning id";
  return ids.filter((id) => database.get<{ id: string }>(remove, id) !== undefined);
}

/** Removes these entries, and returns their events with the ids of those that were found. */
export function takeDeadLetters(database: Database, ids: readonly string[]): readonly DeadLetter[] {
  return ids.flatMap((id) => {
    const remove = "delete from dead_letter where id = ? returning id, body";
    const row = database.get<Pick<DeadLetterRow, "id" | "body">>(remove, id);
    return row === undefined ? [] : [toDeadLetter(row)];
  });
}
