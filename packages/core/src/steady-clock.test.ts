import { describe, expect, it } from "vitest";
import { readClock, type SeenClock } from "./steady-clock.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Reads a clock at these instants, and returns when it was steady. */
function readAll(...instants: readonly number[]) {
  let seen: SeenClock | undefined;
  return instants.filter((now) => {
    const reading = readClock(seen, now);
    seen = reading.clock;
    return reading.isSteady;
  });
}

describe("readClock", () => {
  it("trusts a clock that has run for a day", () => {
    expect(readAll(0, 10 * HOUR, DAY - 1, DAY, DAY + 1)).toEqual([DAY, DAY + 1]);
  });

  it.each([
    ["forward", 500 * DAY],
    ["back", -500 * DAY],
    ["a little more than a day", 3 * DAY + 1],
  ])("does not trust one that jumps %s, until it has run for a day again", (_, to) => {
    expect(readAll(0, DAY, 2 * DAY, to, to + DAY - 1, to + DAY)).toEqual([DAY, 2 * DAY, to + DAY]);
  });

  it("does not trust two clocks of which one is wrong", () => {
    const both = Array.from({ length: 100 }, (_, n) => [n * HOUR, n * HOUR + 500 * DAY]).flat();

    expect(readAll(...both)).toEqual([]);
  });

  it("bears pauses of less than a day", () => {
    expect(readAll(0, 20 * HOUR, 40 * HOUR)).toEqual([40 * HOUR]);
  });

  it("reports a jump once", () => {
    const first = readClock({ seenAt: 0, steadySince: -DAY }, 500 * DAY);

    expect([first.hasJumped, readClock(first.clock, 500 * DAY + HOUR).hasJumped]).toEqual([true, false]);
  });
});
