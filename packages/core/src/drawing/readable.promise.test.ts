import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { toGraph } from "../machine/graph/to-graph.ts";
import { parseMachine } from "../machine/parse-machine.ts";
import type { Box, GraphLayout, Point } from "./graph-layout.ts";
import { toLayout } from "./layout.ts";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const files = [
  "examples/**/machines/*.yaml",
  "packages/cli/template*/machines/*.yaml",
  "packages/core/fixtures/machines/valid/*.yaml",
  "packages/core/fixtures/graphs/*.yaml",
  "deploy/project/machines/*.yaml",
].flatMap((pattern) => globSync(pattern, { cwd: root, exclude: (path) => path.includes("node_modules") }));

function layOut(file: string, options: Parameters<typeof toLayout>[1]): GraphLayout {
  const { machine } = parseMachine(readFileSync(`${root}${file}`, "utf8"), { name: "app" });
  if (machine === undefined) throw new Error(file);
  return toLayout(toGraph(machine), options);
}

interface Named extends Box {
  readonly name: string;
}

/** The boxes of a drawing: its states, and its texts with the number of their line. */
function listBoxes({ nodes, stubs, lines }: GraphLayout) {
  const states = [...nodes, ...stubs].map((box): Named => ({ ...box, name: box.id }));
  const texts = lines.flatMap(({ label }, index): readonly Named[] =>
    label.width === 0 ? [] : [{ ...label, name: `text ${index}` }],
  );
  return { states, texts };
}

const overlap = (a: Box, b: Box) =>
  Math.abs(a.x - b.x) < (a.width + b.width) / 2 && Math.abs(a.y - b.y) < (a.height + b.height) / 2;

function findTouching({ states, texts }: ReturnType<typeof listBoxes>): readonly string[] {
  const boxes = [...states, ...texts];
  return boxes.flatMap((a, index) =>
    boxes
      .slice(index + 1)
      .filter((b) => overlap(a, b))
      .map((b) => `${a.name} touches ${b.name}`),
  );
}

/** Whether the way between two points goes through a box. */
function crosses(start: Point, end: Point, { x, y, width, height }: Box): boolean {
  let [enter, leave] = [0, 1];
  for (const [from, to, middle, half] of [
    [start.x, end.x, x, width / 2],
    [start.y, end.y, y, height / 2],
  ] as const) {
    const ends = [(middle - half - from) / (to - from), (middle + half - from) / (to - from)].toSorted((a, b) => a - b);
    const [first = 0, last = 1] = from === to ? (Math.abs(from - middle) < half ? [0, 1] : [2, -1]) : ends;
    [enter, leave] = [Math.max(enter, first), Math.min(leave, last)];
  }
  return enter < leave;
}

function findCrossed({ lines }: GraphLayout, { states, texts }: ReturnType<typeof listBoxes>): readonly string[] {
  return lines.flatMap(({ from, to, points }, index) => {
    const foreign = [
      ...states.filter(({ name }) => name !== from && name !== to),
      ...texts.filter(({ name }) => name !== `text ${index}`),
    ];
    const crossed = foreign.filter((box) =>
      points.slice(1).some((end, position) => crosses(points[position] ?? end, end, box)),
    );
    return crossed.map(({ name }) => `${from} → ${to} crosses ${name}`);
  });
}

// elkjs#94, reaflow#168, d2#1170: texts of arrows lay on each other, on states and on other arrows.
describe.each(files)("the graph of %s", (file) => {
  it.each(["right", "down"] as const)("has texts that touch nothing, drawn %s", (direction) => {
    const present = layOut(file, { direction }).nodes[1]?.id ?? "";
    for (const options of [{ notes: true }, { notes: true, present }, { unfolded: "all" as const }]) {
      const layout = layOut(file, { direction, ...options });
      const boxes = listBoxes(layout);

      expect(boxes.states.length).toBeGreaterThan(0);
      expect(findTouching(boxes)).toEqual([]);
      expect(findCrossed(layout, boxes)).toEqual([]);
    }
  });
});

it("draws what most of 28 states do alike once, so that the main path remains", () => {
  const layout = layOut("packages/core/fixtures/graphs/platform.yaml", { direction: "right" });

  expect(layout.stubs.map(({ text, to }) => [text, to])).toEqual([
    ["FAILED from 17 states", "BROKEN"],
    ["PUSHED from 11 states", "PLAN"],
    ["CLOSED from 15 states", "CLEAN-UP"],
    ["NEXT from 6 states", "LIVE"],
  ]);
  expect(layout.lines.length).toBeLessThan(50);
});
