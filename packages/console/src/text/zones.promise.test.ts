import { afterAll, describe, expect, it, vi } from "vitest";

// The formatters take the zone of the process when they are made: these are made anew.
const before = process.env["TZ"];
process.env["TZ"] = "Europe/Berlin";
vi.resetModules();
const { formatClock, formatFully, formatZone, nameZones } = await import("./durations.ts");

afterAll(() => {
  if (before === undefined) delete process.env["TZ"];
  else process.env["TZ"] = before;
  vi.resetModules();
});

const winter = "2026-11-20T23:12:04Z";
const summer = "2026-07-20T23:12:04Z";

describe("a reader's own zone", () => {
  it("has a name, not a distance from UTC", () => {
    expect([winter, summer].map((at) => formatZone(at, "local"))).toEqual(["CET", "CEST"]);
    expect(formatZone(winter, "utc")).toBe("UTC");
  });

  it("is that of times to the minute, whose seconds are in their titles, with the same in UTC", () => {
    expect(formatClock(winter, "local")).toBe("00:12");
    expect(formatFully(winter, "local")).toBe("2026-11-21 00:12:04 CET (2026-11-20 23:12:04 UTC)");
    expect(formatFully(winter, "utc")).toBe("2026-11-20 23:12:04 UTC");
  });

  it("is named at a day only where it could be taken for another one", () => {
    expect(nameZones([winter, "2026-11-19T10:00:00Z"], "local")).toEqual(["", ""]);
    expect(nameZones([winter, "2026-11-19T10:00:00Z"], "utc")).toEqual(["UTC", ""]);
    expect(nameZones([winter, "2026-11-19T10:00:00Z", summer], "local")).toEqual(["CET", "", "CEST"]);
  });
});
