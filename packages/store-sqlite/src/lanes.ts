import { MinHeap } from "./min-heap.ts";
import type { WindowRow } from "./window-row.ts";

interface LaneRow extends WindowRow {
  gone: boolean;
  /** The take that handed it out last. */
  takenIn: number;
}

/** Rows that must go out in order. */
interface Lane {
  readonly key: string | number;
  readonly rows: LaneRow[];
  /** Index of the first row that is not gone. */
  head: number;
  /** Grows with each entry in a heap: an entry with an older stamp is void. */
  stamp: number;
}

interface Place {
  readonly row: LaneRow;
  readonly lane: Lane;
}

interface Entry {
  readonly lane: Lane;
  readonly stamp: number;
  readonly order: number;
}

/** What a take has in its hands while it lasts. */
export interface LanesTake {
  /** The oldest row that is free, among the known ones. */
  peek(): WindowRow | undefined;
  /** Hands out what `peek` gives. */
  take(): WindowRow | undefined;
  /** A row that was just read. Gives it as it is kept. */
  add(row: WindowRow): WindowRow;
  /** Must be called once. */
  end(): void;
}

/** Rows of a queue by lane, ordered by when their heads may go out. */
export class Lanes {
  readonly #rows = new Map<number, Place>();
  readonly #lanes = new Map<string | number, Lane>();
  /** Lanes whose head was free when they came here, by the head's place. */
  readonly #ready = new MinHeap<Entry>((a, b) => a.order < b.order);
  /** The others, by the instant at which their head is free. */
  readonly #later = new MinHeap<Entry>((a, b) => a.order < b.order);
  #takes = 0;

  find(seq: number): WindowRow | undefined {
    return this.#rows.get(seq)?.row;
  }

  remove(seq: number): void {
    const found = this.#rows.get(seq);
    if (found === undefined) return;
    const { row, lane } = found;
    this.#rows.delete(seq);
    row.gone = true;
    // The last row of a lane is never one that is gone: what is added behind it looks at it.
    while (lane.rows.at(-1)?.gone === true && lane.rows.length > lane.head) lane.rows.pop();
    if (lane.head >= lane.rows.length) this.#drop(lane);
    else if (lane.rows[lane.head] === row) {
      advanceHead(lane);
      this.#schedule(lane);
    }
  }

  giveBack(seq: number, availableAt: number): void {
    const found = this.#rows.get(seq);
    if (found === undefined) return;
    found.row.availableAt = availableAt;
    if (found.lane.rows[found.lane.head] === found.row) this.#schedule(found.lane);
  }

  nextAt(): number | undefined {
    const ready = dropVoid(this.#ready)?.lane;
    const readyAt = ready?.rows[ready.head]?.availableAt;
    return readyAt ?? dropVoid(this.#later)?.order;
  }

  beginTake(now: number, leaseMs: number): LanesTake {
    this.#takes += 1;
    this.#wake(now);
    const touched = new Set<Lane>();
    // Rows behind one that this take has handed out.
    const followers = new MinHeap<Place>((a, b) => a.row.seq < b.row.seq);
    const follow = (row: LaneRow | undefined, lane: Lane): void => {
      if (row !== undefined && row.availableAt <= now) followers.push({ row, lane });
    };
    return {
      peek: () => this.#findOldest(followers, now)?.row,
      take: () => {
        const oldest = this.#findOldest(followers, now);
        if (oldest === undefined) return undefined;
        const { row, lane } = oldest;
        if (followers.peek() === oldest) followers.pop();
        else this.#ready.pop();
        row.availableAt = now + leaseMs;
        row.deliveries += 1;
        row.takenIn = this.#takes;
        touched.add(lane);
        follow(findNext(lane, row), lane);
        return row;
      },
      add: (row) => {
        const { row: added, lane, follows } = this.#add(row, now);
        if (follows) follow(added, lane);
        return added;
      },
      end: () => {
        for (const lane of touched) this.#schedule(lane);
      },
    };
  }

  #findOldest(followers: MinHeap<Place>, now: number): Place | undefined {
    const head = this.#findReadyHead(now);
    const follower = followers.peek();
    return head !== undefined && (follower === undefined || head.row.seq < follower.row.seq) ? head : follower;
  }

  #findReadyHead(now: number): Place | undefined {
    for (;;) {
      const lane = dropVoid(this.#ready)?.lane;
      const row = lane?.rows[lane.head];
      if (lane === undefined || row === undefined) return undefined;
      if (row.availableAt <= now) return { row, lane };
      // The caller's clock went back.
      this.#ready.pop();
      this.#schedule(lane);
    }
  }

  /** `follows`: it stands behind a row that the present take has handed out. */
  #add(row: WindowRow, now: number): Place & { readonly follows: boolean } {
    const added: LaneRow = { ...row, gone: false, takenIn: 0 };
    const lane = this.#lanes.get(row.lane) ?? this.#openLane(row.lane);
    const before = lane.rows.at(-1);
    lane.rows.push(added);
    this.#rows.set(row.seq, { row: added, lane });
    if (before !== undefined) return { row: added, lane, follows: before.takenIn === this.#takes };
    if (added.availableAt > now) this.#schedule(lane);
    else this.#ready.push({ lane, stamp: lane.stamp, order: added.seq });
    return { row: added, lane, follows: false };
  }

  #openLane(key: string | number): Lane {
    const lane: Lane = { key, rows: [], head: 0, stamp: 0 };
    this.#lanes.set(key, lane);
    return lane;
  }

  #drop(lane: Lane): void {
    lane.stamp += 1;
    this.#lanes.delete(lane.key);
  }

  #schedule(lane: Lane): void {
    const head = lane.rows[lane.head];
    if (head === undefined) return;
    lane.stamp += 1;
    this.#later.push({ lane, stamp: lane.stamp, order: head.availableAt });
    if (this.#later.size > 2 * this.#lanes.size + 1_024) this.#rebuild();
  }

  /** Moves lanes whose head is free by now. */
  #wake(now: number): void {
    for (let entry = dropVoid(this.#later); entry !== undefined; entry = dropVoid(this.#later)) {
      if (entry.order > now) return;
      this.#later.pop();
      const head = entry.lane.rows[entry.lane.head];
      if (head !== undefined) this.#ready.push({ lane: entry.lane, stamp: entry.stamp, order: head.seq });
    }
  }

  /** Throws void entries away: rows are acknowledged long before their leases would end. */
  #rebuild(): void {
    this.#ready.clear();
    this.#later.clear();
    for (const lane of this.#lanes.values()) {
      const head = lane.rows[lane.head];
      lane.stamp += 1;
      if (head !== undefined) this.#later.push({ lane, stamp: lane.stamp, order: head.availableAt });
    }
  }
}

function dropVoid(heap: MinHeap<Entry>): Entry | undefined {
  for (let entry = heap.peek(); entry !== undefined; entry = heap.peek()) {
    if (entry.stamp === entry.lane.stamp) return entry;
    heap.pop();
  }
  return undefined;
}

function findNext(lane: Lane, row: LaneRow): LaneRow | undefined {
  for (let index = indexOfSeq(lane, row.seq) + 1; index < lane.rows.length; index += 1) {
    const next = lane.rows[index];
    if (next !== undefined && !next.gone) return next;
  }
  return undefined;
}

/** Rows of a lane are in the order of their numbers. */
function indexOfSeq(lane: Lane, seq: number): number {
  let low = lane.head;
  let high = lane.rows.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lane.rows[middle]?.seq ?? 0) < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}

function advanceHead(lane: Lane): void {
  while (lane.rows[lane.head]?.gone === true) lane.head += 1;
  if (lane.head <= 64 || lane.head * 2 < lane.rows.length) return;
  lane.rows.splice(0, lane.head);
  lane.head = 0;
}
