import { describe, expect, it } from "vitest";
import { isLimitReached, MOST_UNWATCHED_MS, noteLook, type WatchedTime } from "./watched-time.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Looks at these instants; planned every minute. */
function lookAt(...instants: readonly number[]): WatchedTime {
  return instants.reduce((before, now) => noteLook(before, { now, everyMs: MINUTE }), { lookedAt: 0, unwatchedMs: 0 });
}

describe("a limit of work that is watched", () => {
  it("is reached on time", () => {
    const looks = Array.from({ length: 61 }, (_, minute) => minute * MINUTE);

    expect([looks.slice(0, -1), looks].map((each) => isLimitReached(HOUR, lookAt(...each)))).toEqual([false, true]);
  });

  it("counts looks that are late by up to a minute", () => {
    const looks = Array.from({ length: 31 }, (_, index) => 2 * index * MINUTE);

    expect(lookAt(...looks)).toEqual({ lookedAt: HOUR, unwatchedMs: 0 });
  });

  it("does not count the unwatched time", () => {
    const away = lookAt(0, 5 * MINUTE, 3 * HOUR);

    expect(away).toEqual({ lookedAt: 3 * HOUR, unwatchedMs: 4 * MINUTE + 174 * MINUTE });
    expect([isLimitReached(HOUR, away), isLimitReached(HOUR, { ...away, lookedAt: 4 * HOUR })]).toEqual([false, true]);
  });

  it("does not count up to a day of it", () => {
    expect(lookAt(0, 20 * HOUR, 20 * HOUR + MINUTE, 60 * HOUR).unwatchedMs).toBe(MOST_UNWATCHED_MS);
  });

  it("continues after a clock that was set back", () => {
    expect(lookAt(MINUTE, 0, MINUTE)).toEqual({ lookedAt: MINUTE, unwatchedMs: 0 });
  });
});
