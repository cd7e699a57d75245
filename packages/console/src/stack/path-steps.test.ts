import { describe, expect, it } from "vitest";
import { toPath } from "./path-steps.ts";

const states = ["INIT", "BUILD", "LIVE", "BROKEN"];
const graph = {
  nodes: states.map((id) => ({ kind: "state" as const, id, terminal: false, tasks: [], reachable: true })),
  edges: [
    { from: "BUILD", to: "LIVE", event: "NEXT", passing: false },
    { from: "BUILD", to: "BROKEN", event: "FAILED", passing: false },
    { from: "BUILD", to: "BROKEN", event: "CLOSED", after: "2d", passing: false },
    { from: "BUILD", to: "BUILD", event: "PUSHED", passing: false },
    { from: "LIVE", to: "BUILD", event: "PUSHED", passing: false },
  ],
};
const move = (from: string | undefined, to: string, minute: number) => ({
  outcome: "applied" as const,
  to,
  at: `2026-11-20T03:${String(minute).padStart(2, "0")}:00Z`,
  ...(from !== undefined && { from }),
});

describe("the path of a stack", () => {
  it("is the states it left, the present one and those that may follow, each with how", () => {
    const entries = [move("LIVE", "BUILD", 20), move("BUILD", "LIVE", 15), move("INIT", "BUILD", 10)];

    expect(toPath({ graph, state: "BUILD", entries })).toEqual([
      { kind: "left", state: "BUILD", note: "for 5m" },
      { kind: "left", state: "LIVE", note: "for 5m" },
      { kind: "now", state: "BUILD", note: "" },
      { kind: "next", state: "LIVE", note: "with NEXT, when all tasks have succeeded" },
      { kind: "next", state: "BROKEN", note: "with FAILED, CLOSED after 2d" },
    ]);
  });

  it("is only what is known where the history is not loaded", () => {
    expect(toPath({ graph, state: "LIVE", entries: [] })).toEqual([
      { kind: "now", state: "LIVE", note: "" },
      { kind: "next", state: "BUILD", note: "with PUSHED" },
    ]);
  });
});
