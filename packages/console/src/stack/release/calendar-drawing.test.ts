import type { ReleaseCalendar } from "@stackyard/sdk";
import { describe, expect, it } from "vitest";
import { HEIGHT, toCalendarDrawing, WIDTH } from "./calendar-drawing.ts";
import { isHeld } from "./release-holds.ts";

const hour = (at: number) => new Date(Date.UTC(2026, 10, 26, at)).toISOString();
const freeze = (name: string, changes: Partial<ReleaseCalendar["freezes"][number]> = {}) => ({
  name,
  reason: "r",
  startedAt: hour(-100),
  startedBy: "ada",
  passes: false,
  ...changes,
});
const ends = { from: hour(0), to: hour(60) };

describe("toCalendarDrawing", () => {
  it("places what is open, and now, between the ends", () => {
    const open = [
      { from: hour(-6), to: hour(6) },
      { from: hour(30), to: hour(36) },
    ];

    expect(toCalendarDrawing({ open }, { ...ends, freezes: [] }, Date.parse(hour(12)))).toEqual({
      spans: [
        { x: 0, width: 60 },
        { x: 300, width: 60 },
      ],
      holds: [],
      present: 120,
    });
  });

  it("has only freezes that hold every stack, one without an end up to the edge", () => {
    const freezes = [
      freeze("winter", { to: hour(30) }),
      freeze("endless", { startedAt: hour(50) }),
      freeze("some", { where: "true" }),
      freeze("passed", { passes: true }),
    ];

    expect(toCalendarDrawing({ open: [] }, { ...ends, freezes }, 0).holds).toEqual([
      { name: "winter", x: 0, width: 300 },
      { name: "endless", x: 500, width: 100 },
    ]);
  });

  it("stays inside its box when the page is older than the calendar", () => {
    expect(toCalendarDrawing({ open: [] }, { ...ends, freezes: [] }, Date.parse(hour(900))).present).toBe(WIDTH);
    expect(HEIGHT).toBeGreaterThan(0);
  });
});

describe("isHeld", () => {
  it.each([
    ["an open window", true, [], false],
    ["a closed one", false, [], true],
    ["an open one under a freeze", true, [freeze("winter")], true],
    ["an open one with a freeze of some stacks", true, [freeze("some", { where: "true" })], false],
    ["an open one with a freeze that lets the release pass", true, [freeze("passed", { passes: true })], false],
  ])("knows %s", (_, isOpen, freezes, held) => {
    expect(isHeld({ freezes })({ isOpen })).toBe(held);
  });
});
