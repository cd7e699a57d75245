import { describe, expect, it } from "vitest";
import { listNextMoves } from "./next-moves.ts";

const edge = (from: string, event: string, to: string) => ({ from, event, to, passing: false });
const graph = {
  edges: [
    edge("LIVE", "PUSHED", "ROLL-OUT"),
    edge("LIVE", "PUSHED", "REVIEW"),
    edge("LIVE", "MERGED", "GONE"),
    edge("LIVE", "TOUCHED", "LIVE"),
    edge("ROLL-OUT", "NEXT", "LIVE"),
  ],
};
const later = { id: "t2", event: "MERGED", dueAt: "2026-01-04T00:00:00Z" };
const soon = { id: "t1", event: "TIMEOUT", task: "app", dueAt: "2026-01-01T15:00:00+02:00" };

describe("listNextMoves", () => {
  it("has timers in their order, with what they lead to", () => {
    const stack = { state: "LIVE", timers: [later, soon] };

    expect(listNextMoves({ stack, graph, events: false })).toEqual([
      { ...soon, to: [] },
      { ...later, to: ["GONE"] },
    ]);
  });

  it("has the events of the state after them, each once", () => {
    const stack = { state: "LIVE", timers: [later] };

    expect(listNextMoves({ stack, graph, events: true })).toEqual([
      { ...later, to: ["GONE"] },
      { id: "event PUSHED", event: "PUSHED", to: ["ROLL-OUT", "REVIEW"] },
      { id: "event TOUCHED", event: "TOUCHED", to: [] },
    ]);
  });

  it("has timers while the machine is not known", () => {
    expect(listNextMoves({ stack: { state: "LIVE", timers: [later] }, graph: undefined, events: true })).toEqual([
      { ...later, to: [] },
    ]);
  });
});
