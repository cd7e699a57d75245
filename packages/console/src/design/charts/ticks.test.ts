import { describe, expect, it } from "vitest";
import { toTicks } from "./ticks.ts";

describe("toTicks", () => {
  it.each([
    ["a second", 1_000],
    ["20 minutes", 1_200_000],
    ["a day", 86_400_000],
    ["a year", 365 * 86_400_000],
  ])("returns few round instants in %s", (_, length) => {
    const from = Date.parse("2026-11-20T03:07:00.000Z") + 1;

    const ticks = toTicks(from, from + length);

    expect(ticks.length).toBeLessThanOrEqual(9);
    expect(ticks.every((tick) => tick >= from && tick <= from + length)).toBe(true);
  });

  it("returns the finest steps that are few enough, from the first round instant on", () => {
    const minute = (n: number) => Date.parse("2026-11-20T03:00:00.000Z") + n * 60_000;

    expect(toTicks(minute(0) + 1, minute(8))).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map(minute));
    expect(toTicks(minute(0), minute(8))).toHaveLength(9);
  });

  it("returns none where the clock of the page is behind", () => {
    expect(toTicks(2_000, 1_000)).toEqual([]);
  });
});
