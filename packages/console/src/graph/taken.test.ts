import type { HistoryEntry, MachineGraph } from "@stackyard/sdk";
import { describe, expect, it } from "vitest";
import { countTaken, toWidth } from "./taken.ts";

const edge = (from: string, to: string, event: string, when?: string) => ({
  from,
  to,
  event,
  passing: false,
  ...(when !== undefined && { when }),
});
const graph: MachineGraph = {
  nodes: [],
  edges: [
    edge("LIVE", "BUILD", "PUSHED", "metadata.sha != ''"),
    edge("LIVE", "BUILD", "PUSHED", "else"),
    edge("BUILD", "LIVE", "NEXT"),
    edge("BUILD", "BROKEN", "FAILED"),
    edge("LIVE", "LIVE", "TOUCHED"),
  ],
};

let position = 0;
function line(from: string | undefined, to: string | undefined, event: string, more: Partial<HistoryEntry> = {}) {
  position += 1;
  const entry: HistoryEntry = {
    position,
    stackId: "a",
    at: "2026-11-26T09:00:00.000Z",
    eventId: `e${position}`,
    event,
    outcome: "applied",
    sent: [],
    notes: [],
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...more,
  };
  return entry;
}

describe("countTaken", () => {
  it("counts each move once, at the first arrow between its states with its event", () => {
    const taken = countTaken(graph, [
      line("LIVE", "BUILD", "PUSHED"),
      line("BUILD", "LIVE", "TASK_COMPLETED"),
      line("LIVE", "BUILD", "PUSHED"),
      line("BUILD", "BROKEN", "TASK_ERROR", { code: "STATE_LOCKED" }),
      line("LIVE", "LIVE", "TOUCHED"),
    ]);

    expect(taken.edges).toEqual([2, 0, 1, 1, 1]);
    expect(Object.fromEntries(taken.states)).toEqual({ LIVE: 2, BUILD: 2, BROKEN: 1 });
  });

  it("counts the ways into the first state, through the ends of tasks and over states without tasks", () => {
    const release: MachineGraph = {
      nodes: [],
      edges: [
        edge("INIT", "BUILD", "OPENED"),
        edge("BUILD", "CHECK", "NEXT"),
        edge("CHECK", "LIVE", "NEXT"),
        edge("CHECK", "LIVE", "FAILED"),
        edge("BUILD", "BUILD", "NEXT"),
      ],
    };

    const taken = countTaken(release, [
      line(undefined, "BUILD", "OPENED"),
      line("BUILD", "BUILD", "TASK_COMPLETED"),
      line("BUILD", "LIVE", "TASK_COMPLETED"),
      line("CHECK", "LIVE", "TASK_ERROR", { code: "EXIT_1" }),
    ]);

    expect(taken.edges).toEqual([1, 1, 1, 1, 0]);
    expect(Object.fromEntries(taken.states)).toEqual({ INIT: 1, BUILD: 1, CHECK: 2, LIVE: 2 });
  });

  it("leaves out what was parked, refused or of another machine, and takes names that objects have", () => {
    const hostile: MachineGraph = { nodes: [], edges: [edge("__proto__", "constructor", "toString")] };

    expect(
      countTaken(graph, [
        line("LIVE", "BUILD", "PUSHED", { outcome: "parked" }),
        line("LIVE", undefined, "PUSHED", { outcome: "refused" }),
        line("OLD", "GONE", "PUSHED"),
      ]).edges,
    ).toEqual([0, 0, 0, 0, 0]);
    expect(countTaken(hostile, [line("__proto__", "constructor", "toString")]).edges).toEqual([1]);
  });
});

it("draws an arrow thicker the more often it was taken, up to an end", () => {
  const widths = [0, 1, 4, 100, 1_000_000].map(toWidth);

  expect(widths).toEqual(widths.toSorted((a, b) => a - b));
  expect([widths[0], widths.at(-1)]).toEqual([1.5, 4]);
});
