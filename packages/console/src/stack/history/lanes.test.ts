import type { HistoryEntry } from "@stackyard/sdk";
import { describe, expect, it } from "vitest";
import { type Lane, toLanes, toShare } from "./lanes.ts";

let position = 0;
const entry = (seconds: number, event: string, changes: Partial<HistoryEntry> = {}): HistoryEntry => {
  position += 1;
  const at = new Date(Date.UTC(2026, 10, 20) + seconds * 1_000).toISOString();
  return {
    position,
    stackId: "pr-12",
    at,
    eventId: `e${position}`,
    event,
    outcome: "applied",
    sent: [],
    notes: [],
    ...changes,
  };
};
const result = (seconds: number, event: string, task: string, changes: Partial<HistoryEntry> = {}) =>
  entry(seconds, event, { internal: true, task, from: "BUILD", to: "BUILD", ...changes });

const history = [
  entry(0, "OPENED", { to: "BUILD", sent: ["network", "database"] }),
  entry(5, "PUSHED", { outcome: "parked", from: "BUILD", to: "BUILD" }),
  result(10, "TASK_COMPLETED", "network"),
  result(20, "TASK_ERROR", "database"),
  entry(30, "RETRY_FAILED_TASKS", { from: "BUILD", to: "BUILD", sent: ["database"] }),
  result(40, "TASK_COMPLETED", "database", { to: "LIVE" }),
  entry(90, "MERGED", { timer: "2/after/0", internal: true, from: "LIVE", to: "GONE" }),
];

const show = (lanes: readonly Lane[]) =>
  lanes.map(({ kind, name, bars }) => [
    kind,
    name,
    bars.map(({ from, to, text, status }) => `${text} ${from.index}-${to?.index ?? ""} ${status}`),
  ]);

describe("toLanes", () => {
  it("has a lane for states, events, timers and each task", () => {
    expect(show(toLanes(history))).toEqual([
      ["state", "State", ["BUILD 0-5 quiet", "LIVE 5-6 quiet", "GONE 6- quiet"]],
      ["event", "Events", ["OPENED 0-0 succeeded", "PUSHED 1-1 parked", "RETRY_FAILED_TASKS 4-4 succeeded"]],
      ["timer", "Timers", ["MERGED 6-6 succeeded"]],
      ["task", "network", ["network 0-2 succeeded"]],
      ["task", "database", ["database 0-3 failed", "database 4-5 succeeded"]],
    ]);
  });

  it("begins in a state when the beginning is pruned, and ends all with the removal", () => {
    const lanes = toLanes([
      entry(0, "PUSHED", { from: "LIVE", to: "ROLL-OUT", sent: ["app"] }),
      entry(5, "REMOVE_STACK", { outcome: "removed", from: "ROLL-OUT" }),
    ]);

    expect(show(lanes)).toEqual([
      ["state", "State", ["LIVE 0-0 quiet", "ROLL-OUT 0-1 quiet"]],
      ["event", "Events", ["PUSHED 0-0 succeeded", "REMOVE_STACK 1-1 removed"]],
      ["task", "app", ["app 0-1 running"]],
    ]);
  });

  it("ends the task whose success removed the stack as succeeded", () => {
    const lanes = toLanes([
      entry(0, "MERGED", { from: "LIVE", to: "CLEAN-UP", sent: ["app-off"] }),
      result(5, "TASK_COMPLETED", "app-off", { outcome: "removed", from: "CLEAN-UP" }),
    ]);

    expect(show(lanes).at(-1)).toEqual(["task", "app-off", ["app-off 0-1 succeeded"]]);
  });

  it("takes names that objects have", () => {
    expect(toLanes([entry(0, "GO", { to: "__proto__", sent: ["constructor"] })])).toHaveLength(3);
    expect(toLanes([])).toEqual([]);
  });
});

describe("toShare", () => {
  const end = Date.UTC(2026, 10, 20) + 100_000;
  const place = { index: 6, at: Date.UTC(2026, 10, 20) + 90_000 };

  it("draws lines side by side, or to scale", () => {
    expect(toShare(place, "compact", history, end)).toBeCloseTo(6 / 7);
    expect(toShare(place, "timeline", history, end)).toBeCloseTo(0.9);
    expect(toShare(place, "timeline", [], end)).toBe(0);
  });
});
