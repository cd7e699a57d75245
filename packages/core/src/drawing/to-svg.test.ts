import { describe, expect, it } from "vitest";
import { aFixtureGraph, aGraph, HOSTILE_NAMES } from "../testing/drawn-machines.ts";
import { toLayout } from "./layout.ts";
import { moveNodes } from "./move-nodes.ts";
import { toPlacedSvg, toSvg } from "./to-svg.ts";

describe("toLayout of machines", () => {
  it.each(["review-app", "release-train", "sandbox", "odd-corners", "merges"])(
    "keeps the nodes of %s apart",
    (name) => {
      for (const direction of ["right", "down"] as const) {
        const { nodes, width, height } = toLayout(aFixtureGraph(name), { direction });

        const overlaps = nodes.flatMap((a, index) =>
          nodes
            .slice(index + 1)
            .filter(
              (b) => Math.abs(a.x - b.x) < (a.width + b.width) / 2 && Math.abs(a.y - b.y) < (a.height + b.height) / 2,
            ),
        );
        expect(overlaps).toEqual([]);
        for (const { x, y, ...size } of nodes) {
          expect(Math.min(x - size.width / 2, y - size.height / 2)).toBeGreaterThanOrEqual(0);
          expect(x + size.width / 2).toBeLessThanOrEqual(width + 0.01);
          expect(y + size.height / 2).toBeLessThanOrEqual(height + 0.01);
        }
      }
    },
  );

  it("grows to the right or down: start, states by distance, end", () => {
    const graph = aFixtureGraph("release-train");

    const orders = (["right", "down"] as const).map((direction) => {
      const { nodes } = toLayout(graph, { direction });
      return nodes.toSorted((a, b) => (direction === "down" ? a.y - b.y : a.x - b.x)).map(({ id }) => id);
    });

    const order = ["start:", "INIT", "CHECK", "SHIPPING", "SHIPPED", "end:"];
    expect(orders).toEqual([order, order]);
  });
});

describe("toSvg", () => {
  it.each(["review-app", "odd-corners"])("draws %s as before", async (name) => {
    const svg = toSvg(aFixtureGraph(name));

    await expect(svg).toMatchFileSnapshot(`../../fixtures/graphs/${name}.svg`);
  });

  it("draws other than left to right on request", () => {
    const graph = aFixtureGraph("release-train");

    expect(toSvg(graph, { direction: "vertical" })).not.toBe(toSvg(graph, { direction: "horizontal" }));
  });

  it("draws nodes where a person has moved them, and their lines anew", () => {
    const on = "{A: [{action: advance, state: END}], B: [{action: advance, state: END}]}";
    const end = "{on: {BACK: [{action: advance, state: INIT}]}}";
    const graph = aGraph(`version: 1\nevents: [A, B, BACK]\nstates: {INIT: {on: ${on}}, END: ${end}}\ntasks: {}`);
    const layout = toLayout(graph, { direction: "right" });

    const moved = moveNodes(layout, new Map([["END", { x: -300, y: 50 }]]));
    const svg = toPlacedSvg(graph, moved);

    expect(moveNodes(layout, new Map())).toBe(layout);
    expect(svg).toMatch(/viewBox="-\d/);
    const [there, back] = moved.lines.slice(1).map(({ points, label }) => [points.length, label.y]);
    expect([there?.[0], back?.[0]]).toEqual([2, 3]);
    expect(there?.[1]).not.toBe(back?.[1]);
    expect(svg.match(/>(A|B|BACK)<\/text>/g)).toHaveLength(3);
  });

  it("writes conditions and what is raised on arrows", () => {
    const states =
      "{INIT: {on: {FAILED: [{when: 'stack.visits.INIT < 3', action: advance, state: INIT}, {action: advance, state: END}]}}, END: {terminal: true}}";
    const svg = toSvg(aGraph(`version: 2\nevents: {}\nstates: ${states}\ntasks: {}`));

    expect(svg).toContain(">FAILED [when stack.visits.INIT …</text>");
    expect(svg).toContain(">FAILED [else]</text>");
    expect(svg.match(/stroke-dasharray="5 4"/g)).toHaveLength(2);
  });

  it("shows hostile names as text only", () => {
    const svg = toSvg(aGraph(HOSTILE_NAMES));

    expect(svg).not.toMatch(/<script|\]\]>|alert\("/);
    expect(svg).toContain(">&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;</text>");
    expect(svg).toContain(">&amp;amp;\uFFFD\uFFFD ]]&gt;</text>");
    const tags = new Set([...svg.matchAll(/<([a-z]+)/g)].map(([, tag]) => tag));
    expect([...tags].toSorted()).toEqual(["circle", "path", "rect", "svg", "text"]);
  });

  it("cuts long names", () => {
    const name = "N".repeat(200);

    const svg = toSvg(aGraph(`version: 1\nevents: []\nstates: {INIT: {}, ${name}: {}}\ntasks: {}`));

    expect(svg).toContain(`>${"N".repeat(31)}…</text>`);
  });
});
