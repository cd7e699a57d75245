import { describe, expect, it } from "vitest";
import { parsePickedTime, toPickedTime } from "./picked-time.ts";

// airflow#49542, airflow#49754, airflow#54466, click-ui#654
describe("a picked time", () => {
  it("is in UTC where the page shows UTC, whatever the zone of the browser is", () => {
    expect(parsePickedTime("2026-11-20T12:00", "utc")).toBe("2026-11-20T12:00:00.000Z");
    expect(toPickedTime("2026-11-20T12:00:30.000Z", "utc")).toBe("2026-11-20T12:00");
  });

  it.each(["utc", "local"] as const)("is the one that was picked in %s", (zone) => {
    for (const text of ["2026-03-29T01:30", "2026-10-25T12:00", "2026-11-20T23:59"]) {
      expect(toPickedTime(parsePickedTime(text, zone) ?? "", zone)).toBe(text);
    }
  });

  it("is nothing in an empty field", () => {
    expect(parsePickedTime("", "utc")).toBeUndefined();
    expect(parsePickedTime("", "local")).toBeUndefined();
    expect(toPickedTime("", "utc")).toBe("");
  });
});
