import { Lanes } from "./lanes.ts";
import type { WindowRow } from "./window-row.ts";

/** Reads rows with a higher number, in order. */
export type ReadRows = (afterSeq: number, limit: number) => readonly WindowRow[];

/** A take as it goes on: the oldest row that may be handed out, until there is none. */
export interface WindowTake {
  peek(): WindowRow | undefined;
  /** Leases the row that `peek` shows. */
  take(): WindowRow | undefined;
  /** Must be called once. */
  end(): void;
}

/** Rows that one take reads at most beyond those that it hands out. */
const MAX_SKIPPED = 10_000;

/**
 * The head of a queue table in memory: who has which row until when. Leases need no write, since one process owns the
 * table; when it dies they are void and the rows are handed out again. Each row is read once, when its turn comes, so
 * a take costs what it hands out, however long the queue is.
 */
export class QueueWindow {
  readonly #read: ReadRows;
  readonly #lanes = new Lanes();
  /** All rows up to this one were read. */
  #readTo = 0;

  constructor(read: ReadRows) {
    this.#read = read;
  }

  find(seq: number): WindowRow | undefined {
    return this.#lanes.find(seq);
  }

  /** Begins to hand rows out, at most so many. */
  beginTake(now: number, limit: number, leaseMs: number): WindowTake {
    const lanes = this.#lanes.beginTake(now, leaseMs);
    const fresh: WindowRow[] = [];
    let readable = limit + MAX_SKIPPED;
    const peek = (): WindowRow | undefined => {
      for (;;) {
        const row = lanes.peek();
        if (row !== undefined || readable <= 0) return row;
        const rows = this.#readMore(limit);
        if (rows.length === 0) return undefined;
        for (const added of rows) fresh.push(lanes.add(added));
        readable -= rows.length;
      }
    };
    return {
      peek,
      take: () => (peek() === undefined ? undefined : lanes.take()),
      end: () => {
        lanes.end();
        for (const row of fresh) row.document = undefined;
      },
    };
  }

  /** The row is done with. */
  remove(seq: number): void {
    this.#lanes.remove(seq);
  }

  /** Ends the lease; the row may be handed out from that instant on. */
  giveBack(seq: number, availableAt: number): void {
    this.#lanes.giveBack(seq, availableAt);
  }

  /** When a take may find something; early rather than late. */
  nextAt(): number | undefined {
    const known = this.#lanes.nextAt();
    return this.#read(this.#readTo, 1).length > 0 ? Math.min(0, known ?? 0) : known;
  }

  #readMore(limit: number): readonly WindowRow[] {
    const rows = this.#read(this.#readTo, limit);
    this.#readTo = rows.at(-1)?.seq ?? this.#readTo;
    return rows;
  }
}
