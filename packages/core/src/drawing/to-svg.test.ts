import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Graph, toGraph } from "../machine/graph/to-graph.ts";
import { parseMachine } from "../machine/parse-machine.ts";
import { toLayout } from "./layout.ts";
import { toPlacedSvg, toSvg } from "./to-svg.ts";

const folder = new URL("../../fixtures/machines/valid/", import.meta.url);

function aGraph(source: string): Graph {
  const { machine, problems } = parseMachine(source, { name: "app" });
  if (!machine) throw new Error(JSON.stringify(problems));
  return toGraph(machine);
}

const fixture = (name: string) => aGraph(readFileSync(new URL(`${name}.yaml`, folder), "utf8"));

const hostile = `version: 1
events: [GO]
states:
  INIT: {on: {GO: [{action: advance, state: INIT}]}, tasks: ['<script>alert("x")</script>', "a\\\\b\\"c;--> [*]", "&amp;\\u0000\\uD800 ]]>"]}
tasks:
  '<script>alert("x")</script>': {}
  "a\\\\b\\"c;--> [*]": {}
  "&amp;\\u0000\\uD800 ]]>": {}
`;

describe("toLayout of machines", () => {
  it.each(["review-app", "release-train", "sandbox", "odd-corners", "merges"])(
    "keeps the nodes of %s apart",
    (name) => {
      for (const direction of ["right", "down"] as const) {
        const { nodes, width, height } = toLayout(fixture(name), { direction });

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
    const graph = fixture("release-train");

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
    const svg = toSvg(fixture(name));

    await expect(svg).toMatchFileSnapshot(`../../fixtures/graphs/${name}.svg`);
  });

  it("draws other than left to right on request", () => {
    const graph = fixture("release-train");

    expect(toSvg(graph, { direction: "vertical" })).not.toBe(toSvg(graph, { direction: "horizontal" }));
  });

  it("puts nodes where the caller has them, also left of the origin, and ignores places of only some", () => {
    const states = "{INIT: {on: {GO: [{action: advance, state: INIT}]}}}";
    const graph = aGraph(`version: 1\nevents: [GO]\nstates: ${states}\ntasks: {}`);
    const positions = new Map([
      ["start:", { x: -100, y: 50 }],
      ["INIT", { x: 300, y: 50 }],
    ]);

    const svg = toSvg(graph, { positions });

    expect(svg).toContain('<circle cx="-100" cy="50" r="6"');
    expect(svg).toMatch(/viewBox="-120 /);
    expect(toPlacedSvg(graph, { positions })).toBe(svg);
    const some = new Map([["INIT", { x: 300, y: 50 }]]);
    expect(toSvg(graph, { positions: some })).toBe(toSvg(graph));
    expect(toPlacedSvg(graph, { positions: some })).toBeUndefined();
  });

  it("draws arrows where the caller has them with places, and the others itself", () => {
    const graph = aGraph(
      "version: 1\nevents: [GO]\nstates: {INIT: {on: {GO: [{action: advance, state: INIT}]}}}\ntasks: {}",
    );
    const positions = new Map(graph.nodes.map(({ id }, index) => [id, { x: index * 200, y: 50 }]));
    const points = [
      { x: 0, y: 0 },
      { x: 10, y: 20 },
      { x: 30, y: 20 },
      { x: 40, y: 0 },
    ];
    const routes = new Map([[1, { points, label: { x: 20, y: 300 } }]]);

    const svg = toSvg(graph, { positions, routes });

    expect(svg).toContain('d="M0 0Q10 20 20 20Q30 20 35 10L40 0"');
    expect(svg).toContain('<text x="20" y="304"');
    expect(svg).toContain('d="M8 50L');
    expect(toSvg(graph, { routes })).toBe(toSvg(graph));
  });

  it("parts arrows that join the same two states", () => {
    const on = "{A: [{action: advance, state: END}], B: [{action: advance, state: END}]}";
    const graph = aGraph(`version: 1\nevents: [A, B]\nstates: {INIT: {on: ${on}}, END: {terminal: true}}\ntasks: {}`);
    const positions = new Map(graph.nodes.map(({ id }, index) => [id, { x: index * 300, y: 50 }]));

    const svg = toSvg(graph, { positions });

    const heights = ["A", "B"].map((event) => new RegExp(` y="(.+?)"[^>]*>${event}</text>`).exec(svg)?.[1]);
    expect(heights).toEqual(["54", "80"]);
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
    const svg = toSvg(aGraph(hostile));

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
