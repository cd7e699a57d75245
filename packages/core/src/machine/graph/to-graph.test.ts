// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.
import { describe, expect, it } from "vitest";
import { aFixtureGraph, aGraph, HOSTILE_NAMES } from "../../testing/drawn-machines.ts";
import { toDot, toMermaid } from "./to-diagram.ts";
import { toEdgeLabel } from "./to-graph.ts";

describe("toGraph", () => {
  it("draws states with their tasks, an arrow for each advance, and the markers", () => {
    const graph = aFixtureGraph("odd-corners");

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
    const text = toMermaid(aFixtureGraph("release-train"), { direction: "vertical" });

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
    const label = toMermaid(aGraph(HOSTILE_NAMES)).split("\n")[2];

    expect(label).toMatch(/^ {2}state "[\w .,/@=+#;-]*(<br\/>[\w .,/@=+#;-]*){3}" as s1$/);
  });
});

describe("toDot", () => {
  it("gives a digraph", () => {
    const text = toDot(aFixtureGraph("release-train"));

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
    const node = toDot(aGraph(HOSTILE_NAMES)).split("\n")[5];

    expect(node).toContain(String.raw`• <script>alert(\"x\")</script>\l• a\\b\"c;--> [*]\l• &amp; `);
  });
});
