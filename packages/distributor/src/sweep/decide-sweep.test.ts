import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CellEvent, reduceCell } from "../cells/reduce-cell.ts";
import { aCell, T0 } from "../testing/a-cell.ts";
import { decideSweep } from "./decide-sweep.ts";

const MINUTE = 60_000;
const announced = aCell({ announcedAt: T0, resetAt: T0, announcements: 1 });

/** Lets the sweep look every five minutes for so long, and does what it says. */
function sweepFor(minutes: number, first = announced) {
  const done: string[] = [];
  let cell = first;
  for (let minute = 5; minute <= minutes; minute += 5) {
    const now = T0 + minute * MINUTE;
    for (const { kind } of decideSweep([cell], now)) {
      done.push(`${kind} ${minute}`);
      const events: readonly CellEvent[] =
        kind === "alarm"
          ? [{ kind: "alarmed", at: now }]
          : [
              { kind: "overdue", at: now },
              { kind: "announced", at: now, scope: "missing" },
            ];
      cell = events.reduce(reduceCell, cell);
    }
  }
  return { done, cell };
}

/** Lets the sweep look after each of these pauses. */
function lookAfter(pauses: readonly number[]) {
  let now = T0;
  return pauses.reduce((before, pause) => {
    now += pause;
    const [action] = decideSweep([before], now);
    if (action === undefined) return before;
    const again = { kind: "announced", at: now, scope: "missing" } as const;
    return reduceCell(before, action.kind === "alarm" ? { kind: "alarmed", at: now } : again);
  }, announced);
}

describe("decideSweep", () => {
  it("announces three times more with growing pauses, and then there is an alarm, once", () => {
    expect(sweepFor(600).done).toEqual(["announce 15", "announce 45", "announce 105", "alarm 225"]);
  });

  it("leaves a cell alone until it is overdue", () => {
    expect(decideSweep([announced], T0 + 15 * MINUTE - 1)).toEqual([]);
    expect(decideSweep([announced], T0 + 15 * MINUTE)).toEqual([
      { kind: "announce", cell: announced, files: [0, 1, 2] },
    ]);
    expect(decideSweep([announced], T0 + 60_000, { overdueMs: 60_000 })).toHaveLength(1);
  });

  it("announces only what nothing was heard of", () => {
    const failures = { 2: { kind: "failed", code: "SOURCE_DENIED", at: T0 } } as const;
    const cell = { ...announced, files: "S--", failures };

    expect(decideSweep([cell], T0 + 15 * MINUTE)).toEqual([{ kind: "announce", cell, files: [1] }]);
  });

  it("leaves alone what is full and what has failed for good", () => {
    const failure = { kind: "rejected", code: "URL_HOST", at: T0 } as const;
    const cells = [
      { ...announced, files: "SpP" },
      { ...announced, failures: { 0: failure, 1: failure, 2: failure } },
    ];

    expect(decideSweep(cells, T0 + 999 * MINUTE)).toEqual([]);
  });

  it("announces what a crash has left expected", () => {
    expect(decideSweep([aCell()], T0 + 15 * MINUTE)).toHaveLength(1);
  });

  it("never announces more than three times whenever it looks", () => {
    const looks = fc.array(fc.integer({ min: 0, max: 120 * MINUTE }), { maxLength: 40 });
    fc.assert(
      fc.property(looks, (pauses) => {
        const cell = lookAfter(pauses);

        expect(cell.sweeps).toBeLessThanOrEqual(3);
        expect(cell.alarmedAt === null || cell.sweeps === 3).toBe(true);
      }),
    );
  });
});
