// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseMachine } from "../parse-machine.ts";
import { toDot, toMermaid } from "./to-diagram.ts";
import { type Graph, toEdgeLabel, toGraph } from "./to-graph.ts";
import { METRICS, placeLabels, toLayout, toSvg } from "./to-svg.ts";

const folder = new URL("../../../fixtures/machines/valid/", import.meta.url);

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

describe("toGraph", () => {
  it("draws states with their tasks, an arrow for each advance, and the markers", () => {
    const graph = fixture("odd-corners");

    const state = (id: string, tasks: readonly string[], terminal = false) => ({
      kind: "state",
      id,
      terminal,
      tasks,
      reachable: true,
    });
    const edge = (from: string, event: string, to: string, passing = false) => ({ from, to, event, passing });
    expect(graph).toEqual({
      nodes: [
        { kind: "start", id: "start:" },
        state("INIT", ["tidy"]),
        state("IDLE", []),
        state("BUSY", ["tidy"]),
        state("LAST", ["tidy"], true),
        { kind: "end", id: "end:" },
      ],
      edges: [
        { from: "start:", to: "INIT", passing: false },
        edge("INIT", "GO", "IDLE"),
        edge("INIT", "JUMP", "BUSY", true),
        edge("INIT", "JUMP", "IDLE"),
        edge("IDLE", "NEXT", "BUSY"),
        edge("IDLE", "GO", "INIT"),
        edge("IDLE", "END", "LAST"),
        edge("LAST", "KEEP", "IDLE"),
        { from: "LAST", to: "end:", passing: false },
      ],
    });
  });

  it("has no end marker without a terminal state, and knows what nothing leads to", () => {
    const { nodes } = aGraph("version: 1\nevents: []\nstates: {INIT: {}, LOST: {}}\ntasks: {}");

    expect(nodes).toEqual([
      { kind: "start", id: "start:" },
      { kind: "state", id: "INIT", terminal: false, tasks: [], reachable: true },
      { kind: "state", id: "LOST", terminal: false, tasks: [], reachable: false },
    ]);
  });
});

describe("a machine of version 2", () => {
  const graph = aGraph(`version: 2
events: [PUSHED, MERGED, DUE, TOLD]
metadata: { until: {} }
states:
  INIT: { on: { PUSHED: BUILD } }
  BUILD:
    tasks: [run]
    timeout: 45m
    after: [{ in: 72h, event: MERGED }, { in: 1h, event: MERGED }, { at: "\${metadata.until}", event: DUE }, { cron: "0 3 * * *", zone: Europe/Berlin, event: DUE }]
    on:
      NEXT: no-op
      FAILED:
        - { when: "stack.visits.BUILD < 3 && metadata['a']\\n == 'b'", action: advance, state: BUILD }
        - { when: "true", action: no-op }
        - { action: advance, state: BROKEN, raise: TOLD }
        - { action: advance, state: LOST }
      TIMEOUT: BROKEN
      MERGED: END
      DUE: BROKEN
  BROKEN: { on: { TOLD: no-op } }
  LOST: {}
  END: { terminal: true }
tasks: { run: { executor: lambda, config: { name: f } } }
`);

  it("shows conditions and what comes by itself", () => {
    const edges = graph.edges.filter(({ from }) => from === "BUILD");

    const edge = (event: string, to: string, more: object) => ({ from: "BUILD", to, event, passing: false, ...more });
    expect(edges).toEqual([
      edge("FAILED", "BUILD", { when: expect.stringContaining("stack.visits.BUILD < 3") }),
      edge("FAILED", "BROKEN", { when: "else", raise: "TOLD" }),
      edge("TIMEOUT", "BROKEN", { after: "45m" }),
      edge("MERGED", "END", { after: "1h" }),
      edge("DUE", "BROKEN", { at: "${metadata.until}", cron: "0 3 * * * Europe/Berlin" }),
    ]);
    expect(graph.nodes).toContainEqual(expect.objectContaining({ id: "LOST", reachable: false }));
  });

  it("is labelled on one line", () => {
    const labels = toDot(graph)
      .split("\n")
      .flatMap((line) => /"BUILD" -> .*label="(.*)"/.exec(line)?.[1] ?? []);

    expect(labels).toEqual([
      "FAILED [when stack.visits.BUILD < 3 && metadata['a'] == 'b']",
      "FAILED [else] / raise TOLD",
      "TIMEOUT (after 45m)",
      "MERGED (after 1h)",
      "DUE (at ${metadata.until}, cron 0 3 * * * Europe/Berlin)",
    ]);
    expect(toMermaid(graph)).toContain(" : TIMEOUT #40;after 45m#41;");
    expect(toSvg(graph)).toContain(">FAILED [else] / raise TOLD</text>");
  });
});

describe("toEdgeLabel", () => {
  it("cuts long conditions", () => {
    const label = toEdgeLabel({ from: "A", to: "B", event: "GO", when: "x".repeat(100), passing: false });

    expect(label).toBe(`GO [when ${"x".repeat(59)}…]`);
  });
});

describe("toMermaid", () => {
  it("gives a state diagram", () => {
    const text = toMermaid(fixture("release-train"), { direction: "vertical" });

    expect(text).toBe(`stateDiagram-v2
  direction TB
  state "INIT" as s1
  state "CHECK<br/>- unit<br/>- scan" as s2
  state "SHIPPING<br/>- publish" as s3
  state "SHIPPED" as s4
  [*] --> s1
  s1 --> s2 : CUT
  s2 --> s3 : SHIP
  s2 --> s1 : REWORK
  s3 --> s4 : NEXT
  s4 --> [*]
`);
  });

  it("lets nothing out of a label", () => {
    const label = toMermaid(aGraph(hostile)).split("\n")[2];

    expect(label).toMatch(/^ {2}state "[\w .,/@=+#;-]*(<br\/>[\w .,/@=+#;-]*){3}" as s1$/);
  });
});

describe("toDot", () => {
  it("gives a digraph", () => {
    const text = toDot(fixture("release-train"));

    expect(text).toBe(`digraph machine {
  rankdir=LR;
  node [shape=box, style=rounded, fontname="sans-serif"];
  edge [fontname="sans-serif"];
  "start:" [shape=circle, style=filled, label="", width=0.2];
  "INIT" [label="INIT\\n"];
  "CHECK" [label="CHECK\\n• unit\\l• scan\\l"];
  "SHIPPING" [label="SHIPPING\\n• publish\\l"];
  "SHIPPED" [label="SHIPPED\\n"];
  "end:" [shape=doublecircle, style=filled, label="", width=0.15];
  "start:" -> "INIT";
  "INIT" -> "CHECK" [label="CUT"];
  "CHECK" -> "SHIPPING" [label="SHIP"];
  "CHECK" -> "INIT" [label="REWORK"];
  "SHIPPING" -> "SHIPPED" [label="NEXT"];
  "SHIPPED" -> "end:";
}
`);
  });

  it("escapes quotes, backslashes and control characters", () => {
    const node = toDot(aGraph(hostile)).split("\n")[5];

    expect(node).toContain(String.raw`• <script>alert(\"x\")</script>\l• a\\b\"c;--> [*]\l• &amp; `);
  });
});

describe("toLayout", () => {
  it.each(["review-app", "release-train", "sandbox", "odd-corners", "merges"])(
    "keeps the nodes of %s apart",
    (name) => {
      for (const vertical of [false, true]) {
        const { nodes, width, height } = toLayout(fixture(name), vertical);

        const placed = [...nodes.values()];
        const overlaps = placed.flatMap((a, index) =>
          placed.slice(index + 1).filter((b) => {
            return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
          }),
        );
        expect(overlaps).toEqual([]);
        for (const { x, y, ...size } of placed) {
          expect(Math.min(x, y)).toBeGreaterThanOrEqual(METRICS.margin);
          expect(x + size.width).toBeLessThanOrEqual(width - METRICS.margin + 0.01);
          expect(y + size.height).toBeLessThanOrEqual(height - METRICS.margin + 0.01);
        }
      }
    },
  );

  it("grows to the right or down: start, states by distance, end", () => {
    const graph = fixture("release-train");

    const orders = [false, true].map((vertical) => {
      const placed = [...toLayout(graph, vertical).nodes.values()];
      return placed.toSorted((a, b) => (vertical ? a.y - b.y : a.x - b.x)).map(({ node }) => node.id);
    });

    const order = ["start:", "INIT", "CHECK", "SHIPPING", "SHIPPED", "end:"];
    expect(orders).toEqual([order, order]);
  });
});

describe("placeLabels", () => {
  const curve = (y: number) =>
    [
      { x: 0, y },
      { x: 100, y },
      { x: 200, y },
      { x: 300, y },
    ] as const;

  it("is placed on the middle of a curve", () => {
    const points = placeLabels([{ curve: curve(50), text: "GO" }], []);

    expect(points).toEqual([{ x: 150, y: 46 }]);
  });

  it("moves along the curve when another label or a node is there", () => {
    const node = { node: { kind: "start", id: "start:" }, x: 110, y: 30, width: 30, height: 30 } as const;
    const labels = [
      { curve: curve(50), text: "GO" },
      { curve: curve(50), text: "STOP" },
    ];

    const [first, second] = placeLabels(labels, [node]);

    expect([first?.x, second?.x].map((x) => Math.round(x ?? 0))).toEqual([150, 174]);
  });

  it("stays in the middle when no place is better", () => {
    const node = { node: { kind: "start", id: "start:" }, x: 0, y: 0, width: 300, height: 300 } as const;

    const points = placeLabels([{ curve: curve(50), text: "GO" }], [node]);

    expect(points).toEqual([{ x: 150, y: 46 }]);
  });
});

describe("toSvg", () => {
  it.each(["review-app", "odd-corners"])("draws %s as before", async (name) => {
    const svg = toSvg(fixture(name));

    await expect(svg).toMatchFileSnapshot(`../../../fixtures/graphs/${name}.svg`);
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

    expect(svg).toContain('<circle cx="-100" cy="50" r="8"');
    expect(svg).toMatch(/viewBox="-150 /);
    expect(toSvg(graph, { positions: new Map([["INIT", { x: 300, y: 50 }]]) })).toBe(toSvg(graph));
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
    expect(svg.match(/ d="M[\d. -]+C/g)).toHaveLength(1);
    expect(toSvg(graph, { routes })).toBe(toSvg(graph));
  });

  it("shows hostile names as text only", () => {
    const svg = toSvg(aGraph(hostile));

    expect(svg).not.toMatch(/<script|\]\]>|alert\("/);
    expect(svg).toContain("• &lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;</text>");
    expect(svg).toContain("• &amp;amp;\uFFFD\uFFFD ]]&gt;</text>");
    const tags = new Set([...svg.matchAll(/<([a-z]+)/g)].map(([, tag]) => tag));
    expect([...tags].toSorted()).toEqual(["circle", "defs", "marker", "path", "rect", "svg", "text"]);
  });

  it("cuts long names", () => {
    const name = "N".repeat(200);

    const svg = toSvg(aGraph(`version: 1\nevents: []\nstates: {INIT: {}, ${name}: {}}\ntasks: {}`));

    expect(svg).toContain(`>${"N".repeat(39)}…</text>`);
  });
});
