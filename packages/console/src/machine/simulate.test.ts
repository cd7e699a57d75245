import { describe, expect, it } from "vitest";
import { simulate } from "./simulate.ts";

const text =
  "version: 2\nevents: [OPENED, MERGED]\nstates:\n  INIT: { on: { OPENED: LIVE } }\n  LIVE: { after: [{ in: 72h, event: MERGED }], on: { MERGED: GONE } }\n  GONE: { terminal: true }\n";
const open = { event: { stackId: "s", machine: "m", event: "OPENED" } };

function play(steps: readonly unknown[]) {
  return simulate({ machines: [{ name: "m", text }], revisions: [], steps });
}

describe("a simulated scenario", () => {
  it("names the next timer and the step that reaches it", () => {
    expect(play([open]).next).toEqual({
      event: "MERGED",
      step: { advance: "3d" },
    });
  });

  it("counts the reactions that were tried, also of a stack that is gone", () => {
    const { tried, total, now } = play([open, { advance: "3d" }]);

    expect([tried, total, now]).toEqual([2, 2, "2030-01-04T00:00:00.000Z"]);
  });

  it("counts how often each arrow was taken and each state entered, with the time after each step", () => {
    const { edges, states, times } = play([
      open,
      { advance: "1h" },
      { ...open, event: { ...open.event, stackId: "t" } },
    ]);

    expect(edges.filter((count) => count > 0)).toEqual([2]);
    expect(states).toEqual({ LIVE: 2 });
    expect(times.map((time) => time.slice(11, 16))).toEqual(["00:00", "01:00", "01:00"]);
  });
});
