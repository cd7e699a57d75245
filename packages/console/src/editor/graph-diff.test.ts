import { parseMachine, toGraph } from "@stackyard/core/machine";
import { describe, expect, it } from "vitest";
import { toOutline } from "../machine/outline.ts";
import { compareGraphs, compareStates } from "./graph-diff.ts";

const BEFORE = `version: 2
events: [OPENED, MERGED, PUSHED]
states:
  INIT:
    on: { OPENED: LIVE }
  LIVE:
    on: { MERGED: GONE, PUSHED: LIVE }
  GONE: { terminal: true }
`;

function read(text: string) {
  const outline = toOutline(text);
  const { machine } = parseMachine(text, { name: "m" });
  if (outline === undefined || machine === undefined) throw new Error("The machine has errors.");
  return { outline, graph: toGraph(machine) };
}

function compare(before: string, after: string) {
  const [old, now] = [read(before), read(after)];
  const changes = compareStates(old.outline, now.outline);
  const { graph, states, edges } = compareGraphs(old.graph, now.graph, changes);
  const listed = [...edges].map(([index, change]) => {
    const edge = graph.edges[index];
    return `${change} ${edge?.from} ${edge?.event ?? ""} ${edge?.to}`;
  });
  return { nodes: graph.nodes.map(({ id }) => id), states: Object.fromEntries(states), edges: listed, changes };
}

describe("the difference of two graphs", () => {
  it("is empty between equal texts", () => {
    expect(compare(BEFORE, BEFORE)).toMatchObject({ states: {}, edges: [] });
  });

  it("has states that are gone with their arrows, and new ones", () => {
    const after = BEFORE.replace("PUSHED: LIVE", "PUSHED: NEW")
      .replace("GONE: { terminal: true }", "NEW: { on: { MERGED: END } }\n  END: { terminal: true, protected: true }")
      .replace("MERGED: GONE", "MERGED: END");

    expect(compare(BEFORE, after)).toMatchObject({
      nodes: ["start:", "INIT", "LIVE", "NEW", "END", "end:", "GONE"],
      states: { LIVE: "~", NEW: "+", END: "+", GONE: "−" },
      edges: [
        "+ LIVE MERGED END",
        "+ LIVE PUSHED NEW",
        "+ NEW MERGED END",
        "+ END  end:",
        "− LIVE MERGED GONE",
        "− LIVE PUSHED LIVE",
        "− GONE  end:",
      ],
    });
  });

  it("shows a removed and an added state with equal bodies as one that was renamed, with its arrows unchanged", () => {
    const { states, edges, changes, nodes } = compare(BEFORE, BEFORE.replaceAll("GONE", "END"));

    expect(changes).toContainEqual({ name: "END", change: "~", before: "GONE" });
    expect([states, edges, nodes]).toEqual([{ LIVE: "~", END: "~" }, [], ["start:", "INIT", "LIVE", "END", "end:"]]);
  });

  it("marks an arrow whose condition or time changed, and not the equal one of the same way", () => {
    const conditional = (first: string) =>
      BEFORE.replace(
        "MERGED: GONE,",
        `MERGED: [{ when: "${first}", action: advance, state: GONE }, { when: "stack.visits.LIVE > 3", action: advance, state: GONE }],`,
      );

    expect(compare(conditional("stack.visits.LIVE > 1"), conditional("stack.visits.LIVE > 2")).edges).toEqual([
      "~ LIVE MERGED GONE",
    ]);
  });
});
