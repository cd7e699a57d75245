import type { DueItem } from "../ports/work-queue.ts";

/** A row as delivered by a take. */
export interface TakenRow<Value> {
  readonly receipt: string;
  readonly value: Value;
  readonly deliveries: number;
}

/** Where and when a row is delivered. Missing fields are reset. */
export interface RowPlace {
  /** Rows of one lane are received in order; a row without a lane does not wait for others. */
  readonly lane?: string;
  /** When it became due: orders it among other kinds of work. */
  readonly dueAt: number;
  readonly visibleAt?: number;
  readonly deliveries?: number;
  /** The number of a row that a store has kept: above the numbers of all rows before it. */
  readonly number?: number;
}

/** A row as the queue has it now. */
export interface QueueRow<Value> extends Omit<Required<RowPlace>, "lane"> {
  readonly value: Value;
}

/**
 * Rows in order of arrival. A row of a lane is free when the one before it is gone or was delivered by the same take.
 */
export interface MemoryQueue<Value> {
  /**
   * Adds a row. Returns its receipt, the same for all deliveries. `during`: a take that may deliver the row already.
   */
  add(value: Value, place: RowPlace, during?: Take): string;
  find(receipt: string): QueueRow<Value> | undefined;
  /** Returns the value that was added first, whether it is taken or not. */
  findFirst(): Value | undefined;
  /** Returns when the row became due that `takeOne` would deliver. */
  findDueAt(take: Take): number | undefined;
  takeOne(take: Take): TakenRow<Value> | undefined;
  /** Removes a row and returns its value. */
  remove(receipt: string): Value | undefined;
  giveBack(receipt: string, visibleAt: number): void;
  nextDueAt(): number | undefined;
  /** Returns true when the lane has rows with other receipts. */
  hasOthers(lane: string, receipts: ReadonlySet<string>): boolean;
  readonly size: number;
}

interface Row<Value> extends QueueRow<Value> {
  readonly receipt: string;
  readonly lane: string | undefined;
  dueAt: number;
  visibleAt: number;
  deliveries: number;
  takenBy: number;
  before: Row<Value> | undefined;
  after: Row<Value> | undefined;
}

/** A row's place in a heap; outdated when the row has another instant by now. */
interface Entry<Value> {
  readonly row: Row<Value>;
  readonly visibleAt: number;
}

/** Creates a queue whose every call is O(log n). */
export function createMemoryQueue<Value>(name: string): MemoryQueue<Value> {
  const rows = new Map<string, Row<Value>>();
  const lanes = createLanes<Value>();
  const order = createRowOrder<Value>((receipt) => rows.has(receipt));
  let last = 0;

  return {
    add(value, { lane, dueAt, visibleAt = 0, deliveries = 0, number = last + 1 }, during) {
      last = Math.max(last, number);
      const links = { before: undefined, after: undefined };
      const receipt = `${name}:${number}`;
      const row = { receipt, number, value, lane, dueAt, visibleAt, deliveries, takenBy: 0, ...links };
      rows.set(receipt, row);
      lanes.append(row);
      order.schedule(row);
      if (during !== undefined && isFree(row, during.number)) order.show(row, during);
      return receipt;
    },
    find: (receipt) => rows.get(receipt),
    findFirst: () => rows.values().next().value?.value,
    findDueAt: (take) => order.findFirst(take)?.dueAt,
    takeOne(take) {
      const row = order.findFirst(take);
      if (row === undefined) return undefined;
      row.visibleAt = take.now + take.leaseMs;
      row.deliveries += 1;
      row.takenBy = take.number;
      order.passOn(row, take);
      return { receipt: row.receipt, value: row.value, deliveries: row.deliveries };
    },
    remove(receipt) {
      const row = rows.get(receipt);
      if (row === undefined) return undefined;
      rows.delete(receipt);
      lanes.unlink(row);
      if (row.after !== undefined) order.schedule(row.after);
      return row.value;
    },
    giveBack(receipt, visibleAt) {
      const row = rows.get(receipt);
      if (row === undefined) return;
      Object.assign(row, { visibleAt, dueAt: visibleAt, takenBy: 0 });
      order.schedule(row);
    },
    nextDueAt: order.nextDueAt,
    hasOthers(lane, receipts) {
      let row = lanes.last(lane);
      while (row !== undefined && receipts.has(row.receipt)) row = row.before;
      return row !== undefined;
    },
    get size() {
      return rows.size;
    },
  };
}

/**
 * Creates two heaps: `waiting` is ordered by instant, `visible` by arrival. Outdated entries are dropped at the top.
 */
function createRowOrder<Value>(has: (receipt: string) => boolean) {
  const waiting = createHeap<Entry<Value>>((a, b) => a.visibleAt < b.visibleAt);
  const visible = createHeap<Entry<Value>>((a, b) => a.row.number < b.row.number);
  let lastTake = 0;

  const isCurrent = ({ row, visibleAt }: Entry<Value>) => has(row.receipt) && row.visibleAt === visibleAt;

  /** Makes due rows visible, once per take, so that no take gets a row twice. */
  function begin({ number, now }: Take): void {
    if (number === lastTake) return;
    lastTake = number;
    for (let first = waiting.peek(); first !== undefined && first.visibleAt <= now; first = waiting.peek()) {
      waiting.pop();
      if (isCurrent(first)) visible.push(first);
    }
  }

  function findVisible(take: number): Row<Value> | undefined {
    return peekWhere(visible, (entry) => isCurrent(entry) && isFree(entry.row, take))?.row;
  }

  /** Schedules a row. Only the first row of a lane is in a heap; the others follow when it is received or removed. */
  function schedule(row: Row<Value>): void {
    if (row.before === undefined) waiting.push({ row, visibleAt: row.visibleAt });
  }

  /** Lets a take hand the row out that is under way. */
  function show(row: Row<Value>, { now }: Take): void {
    if (row.visibleAt <= now) visible.push({ row, visibleAt: row.visibleAt });
  }

  return {
    schedule,
    findFirst(take: Take): Row<Value> | undefined {
      begin(take);
      return findVisible(take.number);
    },
    show,
    /** Schedules a delivered row: the next one of its lane may follow in the same take. */
    passOn(row: Row<Value>, take: Take): void {
      schedule(row);
      if (row.after !== undefined) show(row.after, take);
    },
    nextDueAt: () => (findVisible(0) ?? peekWhere(waiting, isCurrent)?.row)?.visibleAt,
  };
}

/** Returns the first item that fits; those before it are dropped. */
function peekWhere<Item>(heap: Heap<Item>, fits: (item: Item) => boolean): Item | undefined {
  for (let first = heap.peek(); first !== undefined; first = heap.peek()) {
    if (fits(first)) return first;
    heap.pop();
  }
  return undefined;
}

function isFree<Value>(row: Row<Value>, take: number): boolean {
  return row.before === undefined || (take !== 0 && row.before.takenBy === take);
}

/** Creates the lanes, each a linked list of rows, so that a row in the middle is removed at once. */
function createLanes<Value>() {
  const last = new Map<string, Row<Value>>();
  return {
    last: (lane: string) => last.get(lane),
    append(row: Row<Value>): void {
      if (row.lane === undefined) return;
      row.before = last.get(row.lane);
      if (row.before !== undefined) row.before.after = row;
      last.set(row.lane, row);
    },
    unlink(row: Row<Value>): void {
      if (row.before !== undefined) row.before.after = row.after;
      if (row.after !== undefined) row.after.before = row.before;
      if (row.lane === undefined || last.get(row.lane) !== row) return;
      if (row.before === undefined) last.delete(row.lane);
      else last.set(row.lane, row.before);
    },
  };
}

/** A queue by priority: the smallest item first. */
export interface Heap<Item> {
  push(item: Item): void;
  peek(): Item | undefined;
  pop(): Item | undefined;
}

/** Creates a binary heap; `isBefore` orders it. */
export function createHeap<Item>(isBefore: (a: Item, b: Item) => boolean): Heap<Item> {
  const items: Item[] = [];
  return {
    push(item) {
      items.push(item);
      siftUp(items, isBefore);
    },
    peek: () => items[0],
    pop() {
      const first = items[0];
      const last = items.pop();
      if (last === undefined || items.length === 0) return first;
      items[0] = last;
      siftDown(items, isBefore);
      return first;
    },
  };
}

function siftUp<Item>(items: Item[], isBefore: (a: Item, b: Item) => boolean): void {
  let index = items.length - 1;
  while (index > 0) {
    const parent = (index - 1) >> 1;
    if (!swapWhen(items, parent, index, isBefore)) return;
    index = parent;
  }
}

function siftDown<Item>(items: Item[], isBefore: (a: Item, b: Item) => boolean): void {
  let index = 0;
  for (;;) {
    const child = findSmallerChild(items, index, isBefore);
    if (child === undefined || !swapWhen(items, index, child, isBefore)) return;
    index = child;
  }
}

function findSmallerChild<Item>(
  items: readonly Item[],
  index: number,
  isBefore: (a: Item, b: Item) => boolean,
): number | undefined {
  const left = items[2 * index + 1];
  if (left === undefined) return undefined;
  const right = items[2 * index + 2];
  return right !== undefined && isBefore(right, left) ? 2 * index + 2 : 2 * index + 1;
}

/** Puts the smaller one of the two above; false when it was there already. */
function swapWhen<Item>(items: Item[], above: number, below: number, isBefore: (a: Item, b: Item) => boolean): boolean {
  const [upper, lower] = [items[above], items[below]];
  if (upper === undefined || lower === undefined || !isBefore(lower, upper)) return false;
  items[above] = lower;
  items[below] = upper;
  return true;
}

/** The due instants: one per key. */
export interface DueIndex {
  /** Sets the key's instant; undefined: it is not due. The same instant again changes nothing. */
  set(key: string, dueAt: number | undefined): void;
  /** Hides the key until then, or until it gets another instant. */
  hide(key: string, until: number): void;
  /** Returns the earliest one, when it is due by then and not hidden. */
  findDue(now: number): { readonly key: string; readonly dueAt: number } | undefined;
  nextDueAt(): number | undefined;
}

interface DueEntry {
  readonly key: string;
  readonly dueAt: number;
  readonly visibleAt: number;
  /** The order of two with one instant: the one that was set first is delivered first. */
  readonly sequence: number;
}

/** Creates a heap whose outdated entries are dropped when they reach the top, so that every call is O(log n). */
export function createDueIndex(): DueIndex {
  const entries = new Map<string, DueEntry>();
  const heap = createHeap<DueEntry>(
    (a, b) => a.visibleAt < b.visibleAt || (a.visibleAt === b.visibleAt && a.sequence < b.sequence),
  );
  let sequence = 0;

  function add(key: string, dueAt: number, visibleAt: number): void {
    sequence += 1;
    const entry = { key, dueAt, visibleAt, sequence };
    entries.set(key, entry);
    heap.push(entry);
  }

  const findFirst = () => peekWhere(heap, (entry) => entries.get(entry.key) === entry);

  return {
    set(key, dueAt) {
      if (dueAt === undefined) entries.delete(key);
      else if (entries.get(key)?.dueAt !== dueAt) add(key, dueAt, dueAt);
    },
    hide(key, until) {
      const entry = entries.get(key);
      if (entry !== undefined) add(key, entry.dueAt, until);
    },
    findDue(now) {
      const first = findFirst();
      return first !== undefined && first.visibleAt <= now ? first : undefined;
    },
    nextDueAt: () => findFirst()?.visibleAt,
  };
}

/** One take. Numbers grow. */
export interface Take {
  readonly number: number;
  readonly now: number;
  readonly leaseMs: number;
}

/** One kind of due work. */
export interface DueSource {
  /** Returns when the item became due that `takeOne` would return. */
  findDueAt(take: Take): number | undefined;
  /** Returns an item and hides it until the end of its lease; undefined when it is gone. */
  takeOne(take: Take): DueItem | undefined;
  nextDueAt(): number | undefined;
}

/** Returns the source of the keys that are due; `toItem` returns undefined for one that is gone. */
export function toDueSource(index: DueIndex, toItem: (key: string, dueAt: number) => DueItem | undefined): DueSource {
  return {
    findDueAt: ({ now }) => index.findDue(now)?.dueAt,
    takeOne({ now, leaseMs }) {
      const due = index.findDue(now);
      if (due === undefined) return undefined;
      index.hide(due.key, now + leaseMs);
      return toItem(due.key, due.dueAt);
    },
    nextDueAt: index.nextDueAt,
  };
}

/** Takes due items, oldest first over all sources. */
export function takeFrom(sources: readonly DueSource[], take: Take, limit: number): readonly DueItem[] {
  const items: DueItem[] = [];
  while (items.length < limit) {
    const oldest = findOldest(sources, take);
    if (oldest === undefined) break;
    const item = oldest.takeOne(take);
    if (item !== undefined) items.push(item);
  }
  return items;
}

function findOldest(sources: readonly DueSource[], take: Take): DueSource | undefined {
  let oldest: DueSource | undefined;
  let oldestAt = Number.POSITIVE_INFINITY;
  for (const source of sources) {
    const dueAt = source.findDueAt(take);
    if (dueAt === undefined || dueAt >= oldestAt) continue;
    oldest = source;
    oldestAt = dueAt;
  }
  return oldest;
}

/** Returns the earliest instant at which one of them may have an item. */
export function findNextDueAt(sources: readonly DueSource[]): number | undefined {
  const instants = sources.flatMap((source) => source.nextDueAt() ?? []);
  return instants.length === 0 ? undefined : Math.min(...instants);
}
