import { describe, expect, it } from "vitest";
import { findQuietEnd } from "./quiet-hours.ts";

const night = { from: "20:00", to: "07:00", zone: "Europe/Berlin" };
const end = (at: string, quiet = night) => {
  const found = findQuietEnd(quiet, Date.parse(at));
  return found === undefined ? undefined : new Date(found).toISOString();
};

describe("quiet hours", () => {
  it.each([
    ["2026-01-15T18:59:59Z", undefined],
    ["2026-01-15T19:00:00Z", "2026-01-16T06:00:00.000Z"],
    ["2026-01-16T05:59:59Z", "2026-01-16T06:00:00.000Z"],
    ["2026-01-16T06:00:00Z", undefined],
  ])("over midnight, at %s, end at %s", (at, expected) => {
    expect(end(at)).toBe(expected);
  });

  it("within a day begin and end on it", () => {
    const noon = { from: "12:00", to: "13:30", zone: "UTC" };

    expect([
      end("2026-01-15T11:59:00Z", noon),
      end("2026-01-15T12:00:00Z", noon),
      end("2026-01-15T13:30:00Z", noon),
    ]).toEqual([undefined, "2026-01-15T13:30:00.000Z", undefined]);
  });

  it("follow the clock of the zone when it changes", () => {
    // In Berlin the clock goes forward in the night to 29 March 2026.
    expect(end("2026-03-28T22:00:00Z")).toBe("2026-03-29T05:00:00.000Z");
    expect(end("2026-03-27T22:00:00Z")).toBe("2026-03-28T06:00:00.000Z");
  });

  it("that begin in the hour that the clock skips begin after it", () => {
    const quiet = { from: "02:30", to: "06:00", zone: "Europe/Berlin" };

    expect(end("2026-03-29T01:30:00Z", quiet)).toBe("2026-03-29T04:00:00.000Z");
  });
});
