import { describe, expect, it } from "vitest";
import type { DrawnGraph } from "./drawn-graph.ts";
import type { GraphLayout } from "./graph-layout.ts";
import { toLabel, toLayout } from "./layout.ts";
import { isAfterFailure } from "./path.ts";

const edge = (from: string, to: string, event?: string) => ({ from, to, passing: false, ...(event && { event }) });
const graph: DrawnGraph = {
  nodes: [
    { kind: "start", id: "start:" },
    { kind: "state", id: "INIT", tasks: [] },
    { kind: "state", id: "BUILD", tasks: ["network", "database"] },
  ],
  edges: [edge("start:", "INIT"), edge("INIT", "BUILD", "OPENED"), edge("BUILD", "BUILD", "AGAIN")],
};

describe("toLayout", () => {
  it("places states one after the other in the direction, and repeats itself", () => {
    const { nodes, lines } = toLayout(graph, { direction: "right" });
    const [start, init, build] = nodes;

    expect(nodes.map(({ id }) => id)).toEqual(["start:", "INIT", "BUILD"]);
    expect(start?.x).toBeLessThan(init?.x ?? 0);
    expect(init?.x).toBeLessThan((build?.x ?? 0) - (build?.width ?? 0) / 2);
    expect(lines.every(({ points }) => points.length >= 2)).toBe(true);
    expect(toLayout(graph, { direction: "right" }).nodes).toEqual(nodes);
    const down = toLayout(graph, { direction: "down" }).nodes;
    expect(down[1]?.y).toBeLessThan(down[2]?.y ?? 0);
  });

  it.each(["right", "down"] as const)("draws a reaction that stays in its state from it and back to it, %s", (way) => {
    const { nodes, lines } = toLayout(graph, { direction: way });
    const { x = 0, y = 0, width = 0, height = 0 } = nodes[2] ?? {};
    const points = lines[2]?.points ?? [];
    const isAtBorder = (point: { x: number; y: number } | undefined) =>
      way === "right" ? point?.y === y + height / 2 : point?.x === x + width / 2;

    expect([points.at(0), points.at(-1)].map(isAtBorder)).toEqual([true, true]);
    expect(points.slice(1, -1).some(isAtBorder)).toBe(false);
  });

  it("makes room for tasks and keeps nodes apart", () => {
    const [, init, build] = toLayout(graph, { direction: "right" }).nodes;

    expect(build?.height).toBe((init?.height ?? 0) + 36);
  });

  it("leaves room for notes when asked to", () => {
    const [plain, noted] = [
      toLayout(graph, { direction: "right" }),
      toLayout(graph, { direction: "right", notes: true }),
    ];

    expect((noted.nodes[2]?.width ?? 0) - (plain.nodes[2]?.width ?? 0)).toBeCloseTo(84);
  });

  it("draws the graph of a stack closer, with much room for notes only where the stack is", () => {
    const present = graph.nodes[2]?.id ?? "";
    const [plain, noted] = [
      toLayout(graph, { direction: "right" }),
      toLayout(graph, { direction: "right", notes: true, present }),
    ];

    const widthOf = ({ nodes }: GraphLayout, index: number) => nodes[index]?.width ?? 0;
    expect([1, 2].map((index) => Math.round(widthOf(noted, index) - widthOf(plain, index)))).toEqual([20, 84]);
    const gapOf = ({ nodes: [, from, to] }: GraphLayout) =>
      (to?.x ?? 0) - (to?.width ?? 0) / 2 - ((from?.x ?? 0) + (from?.width ?? 0) / 2);
    expect(gapOf(noted) - gapOf(plain)).toBeCloseTo(-30);
  });

  it("takes names that objects have, and leaves out arrows to unknown states", () => {
    const hostile: DrawnGraph = {
      nodes: [
        { kind: "state", id: "__proto__" },
        { kind: "state", id: "constructor" },
      ],
      edges: [edge("__proto__", "constructor", "toString"), edge("constructor", "GONE", "X")],
    };

    const { nodes, lines } = toLayout(hostile, { direction: "right" });

    expect(nodes.map(({ id, x }) => [id, Number.isFinite(x)])).toEqual([
      ["__proto__", true],
      ["constructor", true],
    ]);
    expect(lines.map(({ to, points }) => [to, points.length > 1])).toEqual([["constructor", true]]);
  });

  it("draws the arrows of a pair as one line with a row each, and an event of four states once, until it is unfolded", () => {
    const names = ["A", "B", "C", "D"];
    const shared: DrawnGraph = {
      nodes: [...names, "GONE"].map((id) => ({ kind: "state", id })),
      edges: [edge("A", "B", "NEXT"), edge("A", "B", "SKIPPED"), ...names.map((from) => edge(from, "GONE", "CLOSED"))],
    };

    const { lines, stubs } = toLayout(shared, { direction: "right" });

    expect(stubs.map(({ text, to, edges }) => [text, to, edges])).toEqual([
      ["CLOSED from 4 states", "GONE", [2, 3, 4, 5]],
    ]);
    expect(lines.map(({ to, edges, label }) => [to, edges, label.height])).toEqual([
      ["B", [0, 1], 36],
      ["GONE", [], 0],
    ]);
    const unfolded = toLayout(shared, { direction: "right", unfolded: stubs.map(({ id }) => id) });
    expect(unfolded.stubs).toEqual([]);
    expect(unfolded.lines.map(({ edges }) => edges)).toEqual([[0, 1], [2], [3], [4], [5]]);
  });

  it("lays out a thousand states", () => {
    const names = Array.from({ length: 1_000 }, (_, index) => `S${index}`);
    const large: DrawnGraph = {
      nodes: names.map((id) => ({ kind: "state", id })),
      edges: names.slice(1).map((id, index) => edge(names[Math.floor(index / 3)] ?? "S0", id, "GO")),
    };

    expect(toLayout(large, { direction: "right" }).nodes).toHaveLength(1_000);
  });
});

describe("toLabel", () => {
  it("names event, time and that there is a condition", () => {
    expect(toLabel({ ...edge("A", "B", "TIMEOUT"), after: "30m" })).toBe("TIMEOUT after 30m");
    expect(toLabel({ ...edge("A", "B", "FAILED"), when: "stack.visits.BUILD < 3" })).toBe("FAILED if");
    expect(toLabel({ ...edge("A", "B", "FAILED"), when: "else" })).toBe("FAILED else");
    expect(toLabel(edge("start:", "A"))).toBe("");
  });
});

it("knows the arrows of failures by their event", () => {
  expect([{ event: "FAILED" }, { event: "NEXT" }, {}].map(isAfterFailure)).toEqual([true, false, false]);
});
