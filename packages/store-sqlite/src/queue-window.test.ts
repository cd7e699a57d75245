import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { QueueWindow } from "./queue-window.ts";
import type { WindowRow } from "./window-row.ts";

/** A table of a queue, as the window reads it. */
function aTable(lanes: readonly string[]) {
  const rows: WindowRow[] = lanes.map((lane, index) => aRow(index + 1, lane));
  let reads = 0;
  return {
    rows,
    readCount: () => reads,
    window: new QueueWindow((afterSeq, limit) => {
      const read = rows.filter(({ seq }) => seq > afterSeq).slice(0, limit);
      reads += read.length;
      return read.map((row) => ({ ...row }));
    }),
  };
}

function aRow(seq: number, lane: string): WindowRow {
  return { seq, lane, subject: `e${seq}`, queuedAt: 0, availableAt: 0, deliveries: 0, document: `d${seq}` };
}

function take(window: QueueWindow, now: number, limit = 10, leaseMs = 100): number[] {
  const taking = window.beginTake(now, limit, leaseMs);
  const taken: number[] = [];
  while (taken.length < limit) {
    const row = taking.take();
    if (row === undefined) break;
    taken.push(row.seq);
  }
  taking.end();
  return taken;
}

describe("QueueWindow", () => {
  it("reads each row once, however often rows are taken", () => {
    const { window, readCount } = aTable(Array.from({ length: 1_000 }, (_, index) => `lane-${index}`));

    for (let now = 0; now < 100; now += 1) for (const seq of take(window, now)) window.remove(seq);

    expect(readCount()).toBe(1_000);
    expect(take(window, 100)).toEqual([]);
  });

  it("keeps what a row holds only while the take lasts that has read it", () => {
    const { window } = aTable(["a", "a"]);
    const taking = window.beginTake(0, 1, 100);

    const row = taking.take();

    expect(row?.document).toBe("d1");
    taking.end();
    expect(window.find(1)?.document).toBeUndefined();
  });

  it("goes past a lane that is out, to rows that were not read yet", () => {
    const { window } = aTable([...Array.from({ length: 50 }, () => "a"), "b"]);
    take(window, 0, 1);

    expect(take(window, 1, 1)).toEqual([51]);
  });

  it("may find something at once while there are rows that were not read", () => {
    const { window } = aTable(["a"]);

    expect(window.nextAt()).toBe(0);
    take(window, 0);
    expect(window.nextAt()).toBe(100);
    window.giveBack(1, 50);
    expect(window.nextAt()).toBe(50);
    window.remove(1);
    expect(window.nextAt()).toBeUndefined();
  });

  it("hands nothing out too early when the caller's clock goes back", () => {
    const { window } = aTable(["a", "b"]);
    take(window, 0, 1);
    window.giveBack(1, 50);
    take(window, 60, 0);

    expect(take(window, 10)).toEqual([2]);
    expect(take(window, 50)).toEqual([1]);
  });

  it("forgets leases whose rows were acknowledged", () => {
    const table = aTable([]);
    for (let seq = 1; seq <= 20_000; seq += 1) {
      table.rows.push(aRow(seq, `lane-${seq}`));
      for (const taken of take(table.window, 0, 10, 1_000_000)) table.window.remove(taken);
      table.rows.length = 0;
    }

    expect(table.window.nextAt()).toBeUndefined();
  });

  it("does what a plain search through all rows does", () => {
    fc.assert(
      fc.property(fc.array(STEP, { maxLength: 60 }), (steps) => {
        const run = new ModelRun();

        for (const step of steps) run[step.kind](step.value);
      }),
      { numRuns: 300 },
    );
  });
});

const STEP = fc.record({
  kind: fc.constantFrom("take", "remove", "giveBack", "wait", "add"),
  value: fc.nat({ max: 60 }),
});

/** The window beside a model of it: all rows in a map, searched from the beginning. */
class ModelRun {
  readonly #table = aTable(["a", "b", "a", "c", "a", "b"]);
  readonly #freeAt = new Map(this.#table.rows.map(({ seq }) => [seq, 0]));
  #now = 0;
  #last = this.#table.rows.length;

  wait(ms: number): void {
    this.#now += ms;
  }

  add(value: number): void {
    this.#last += 1;
    this.#table.rows.push(aRow(this.#last, "abc".charAt(value % 3)));
    this.#freeAt.set(this.#last, 0);
  }

  take(value: number): void {
    const expected = this.#search().slice(0, value % 5);
    expect(take(this.#table.window, this.#now, value % 5, 20)).toEqual(expected);
    for (const seq of expected) this.#freeAt.set(seq, this.#now + 20);
  }

  remove(value: number): void {
    const seq = this.#pick(value);
    if (seq === undefined) return;
    this.#table.window.remove(seq);
    this.#freeAt.delete(seq);
    this.#table.rows.splice(
      this.#table.rows.findIndex((row) => row.seq === seq),
      1,
    );
  }

  giveBack(value: number): void {
    const seq = this.#pick(value);
    if (seq === undefined) return;
    this.#table.window.giveBack(seq, this.#now + (value % 30));
    this.#freeAt.set(seq, this.#now + (value % 30));
  }

  /** Only what was read before is acknowledged or given back. */
  #pick(value: number): number | undefined {
    const read = [...this.#freeAt.keys()].filter((seq) => this.#table.window.find(seq) !== undefined);
    return read[value % Math.max(1, read.length)];
  }

  #search(): number[] {
    const blocked = new Set<string | number>();
    return this.#table.rows.flatMap(({ seq, lane }) => {
      if ((this.#freeAt.get(seq) ?? 0) > this.#now) blocked.add(lane);
      return blocked.has(lane) ? [] : [seq];
    });
  }
}
