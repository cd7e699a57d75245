import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createHeap, createMemoryQueue, type MemoryQueue } from "./queue.ts";

const LEASE_MS = 10;

interface Row {
  readonly lane: string;
  readonly value: number;
  receipt: string;
  visibleAt: number;
  takenBy: number;
}

type Move =
  | { readonly kind: "add"; readonly lane: string; readonly delay: number }
  | { readonly kind: "take"; readonly limit: number; readonly wait: number }
  | { readonly kind: "remove"; readonly pick: number }
  | { readonly kind: "giveBack"; readonly pick: number; readonly delay: number };

const move: fc.Arbitrary<Move> = fc.oneof(
  fc.record({
    kind: fc.constant("add" as const),
    lane: fc.constantFrom("a", "b", "c"),
    delay: fc.constantFrom(0, 0, 5),
  }),
  fc.record({ kind: fc.constant("take" as const), limit: fc.nat(4), wait: fc.nat(12) }),
  fc.record({ kind: fc.constant("remove" as const), pick: fc.nat(9) }),
  fc.record({ kind: fc.constant("giveBack" as const), pick: fc.nat(9), delay: fc.nat(8) }),
);

/** The rows that a take must give, by the rules said plainly: oldest first, none after one of its lane that is not free. */
function expectTake(rows: readonly Row[], take: number, now: number, limit: number): Row[] {
  const taken: Row[] = [];
  const blocked = new Set<string>();
  for (const row of rows) {
    if (taken.length >= limit) break;
    if (blocked.has(row.lane) || row.visibleAt > now) {
      blocked.add(row.lane);
      continue;
    }
    Object.assign(row, { visibleAt: now + LEASE_MS, takenBy: take });
    taken.push(row);
  }
  return taken;
}

interface Trial {
  readonly queue: MemoryQueue<number>;
  readonly rows: Row[];
  now: number;
  takes: number;
}

/** Plays the moves on the queue and on a plain list, and compares after each one. */
function play(moves: readonly Move[]): void {
  const trial: Trial = { queue: createMemoryQueue("row"), rows: [], now: 0, takes: 0 };
  for (const [value, each] of moves.entries()) {
    if (each.kind === "add") add(trial, each, value);
    else if (each.kind === "take") take(trial, each);
    else touch(trial, each);
    expect(trial.queue.size).toBe(trial.rows.length);
  }
}

function add({ queue, rows, now }: Trial, { lane, delay }: Extract<Move, { kind: "add" }>, value: number): void {
  const visibleAt = now + delay;
  rows.push({ lane, value, receipt: queue.add(value, { lane, dueAt: now, visibleAt }), visibleAt, takenBy: 0 });
}

function take(trial: Trial, { limit, wait }: Extract<Move, { kind: "take" }>): void {
  trial.now += wait;
  trial.takes += 1;
  const { queue, rows, now, takes } = trial;
  const input = { number: takes, now, leaseMs: LEASE_MS };
  const dueAt = queue.nextDueAt();

  const wanted = expectTake(rows, takes, now, limit);
  const taken = wanted.map(() => queue.takeOne(input)?.value);

  expect(taken).toEqual(wanted.map(({ value }) => value));
  if (wanted.length < limit) expect(queue.takeOne(input)).toBeUndefined();
  if (wanted.length > 0) expect(dueAt).toBeLessThanOrEqual(now);
}

function touch({ queue, rows, now }: Trial, each: Extract<Move, { kind: "remove" | "giveBack" }>): void {
  const row = rows[each.pick % Math.max(rows.length, 1)];
  if (row === undefined) return;
  if (each.kind === "remove") {
    queue.remove(row.receipt);
    rows.splice(rows.indexOf(row), 1);
  } else {
    row.visibleAt = now + each.delay;
    queue.giveBack(row.receipt, row.visibleAt);
  }
}

describe("createMemoryQueue", () => {
  it("hands out what a plain list in order of arrival would", () => {
    fc.assert(fc.property(fc.array(move, { maxLength: 60 }), play), { numRuns: 500 });
  });

  it("hands out a row that is added during a take, unless one of its lane before it is not free", () => {
    const queue = createMemoryQueue<string>("row");
    const take = { number: 1, now: 10, leaseMs: 5 };
    queue.add("a1", { lane: "a", dueAt: 0 });
    queue.add("b1", { lane: "b", dueAt: 0, visibleAt: 11 });
    const first = queue.takeOne(take)?.value;

    for (const [value, lane] of [
      ["a2", "a"],
      ["b2", "b"],
      ["c1", "c"],
    ] as const) {
      queue.add(value, { lane, dueAt: 0 }, take);
    }
    queue.add("d1", { lane: "d", dueAt: 0, visibleAt: 11 }, take);

    const taken = [first, ...[1, 2, 3].map(() => queue.takeOne(take)?.value)];
    expect(taken).toEqual(["a1", "a2", "c1", undefined]);
  });

  it("continues a row that was kept with its number and its deliveries", () => {
    const queue = createMemoryQueue<string>("row");
    const receipt = queue.add("kept", { dueAt: 0, number: 7, deliveries: 2 });

    expect([receipt, queue.add("new", { dueAt: 0 })]).toEqual(["row:7", "row:8"]);
    expect(queue.takeOne({ number: 1, now: 0, leaseMs: 1 })).toMatchObject({ value: "kept", deliveries: 3 });
  });

  it("knows of nothing due when it is empty", () => {
    const queue = createMemoryQueue<number>("row");
    const receipt = queue.add(1, { dueAt: 0 });
    expect(queue.nextDueAt()).toBe(0);

    queue.remove(receipt);

    expect(queue.nextDueAt()).toBeUndefined();
    expect(queue.findDueAt({ number: 1, now: 1, leaseMs: 1 })).toBeUndefined();
  });
});

describe("createHeap", () => {
  it("gives what was pushed in order", () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), (pushed) => {
        const heap = createHeap<number>((a, b) => a < b);
        for (const item of pushed) heap.push(item);

        const popped = pushed.map(() => heap.pop());

        expect(popped).toEqual(pushed.toSorted((a, b) => a - b));
        expect(heap.pop()).toBeUndefined();
      }),
    );
  });
});
