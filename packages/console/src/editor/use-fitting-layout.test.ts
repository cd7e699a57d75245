import type { GraphLayout } from "@stackyard/core/drawing";
import { expect, it } from "vitest";
import { toFittingZoom, toViewport } from "./use-fitting-layout.ts";

const pane = { width: 632, height: 472 };

function layoutOf(width: number, height: number): GraphLayout {
  const at = { width: 80, height: 40 };
  const nodes = [
    { id: "INIT", x: 40, y: 20, ...at },
    { id: "LAST", x: width - 40, y: height - 20, ...at },
  ];
  return { width, height, nodes, lines: [], stubs: [] };
}

it.each([
  [{ width: 300, height: 200 }, 1],
  [{ width: 1_200, height: 200 }, 0.5],
  [{ width: 300, height: 1_600 }, 0.25],
])("fits a graph of %j by a zoom of %d", (graph, zoom) => {
  expect(toFittingZoom(graph, pane)).toBe(zoom);
});

it("puts a graph that fits into the middle, above the tools", () => {
  expect(toViewport(layoutOf(300, 200), pane, "INIT")).toEqual({ x: 166, y: 116, zoom: 1 });
});

it("puts a graph that reaches down to the tools beside them, as far as there is room", () => {
  expect(toViewport(layoutOf(300, 1_000), { ...pane, width: 500 }, "INIT").x).toBeCloseTo(500 - 16 - 300 * (12 / 13));
  expect(toViewport(layoutOf(200, 1_000), { ...pane, width: 500 }, "INIT").x).toBe(216);
  expect(toViewport(layoutOf(200, 1_000), pane, "INIT").x).toBeCloseTo(224, 0);
});

it("begins at a state when the text of the whole graph could not be read", () => {
  const large = layoutOf(3_000, 200);

  const start = toViewport(large, pane, "INIT");
  const end = toViewport(large, pane, "LAST");

  expect(start.zoom * 13).toBeCloseTo(12);
  expect(start.x).toBe(16);
  expect(end.x).toBeCloseTo(632 - 16 - 3_000 * end.zoom);
});
