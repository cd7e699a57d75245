import { readFileSync } from "node:fs";
import { type Graph, toGraph } from "../machine/graph/to-graph.ts";
import { parseMachine } from "../machine/parse-machine.ts";

const folder = new URL("../../fixtures/machines/valid/", import.meta.url);

/** Returns the graph of a document. */
export function aGraph(source: string): Graph {
  const { machine, problems } = parseMachine(source, { name: "app" });
  if (!machine) throw new Error(JSON.stringify(problems));
  return toGraph(machine);
}

/** Returns the graph of a valid fixture. */
export const aFixtureGraph = (name: string) => aGraph(readFileSync(new URL(`${name}.yaml`, folder), "utf8"));

/** Names that must stay text in every drawing. */
export const HOSTILE_NAMES = `version: 1
events: [GO]
states:
  INIT: {on: {GO: [{action: advance, state: INIT}]}, tasks: ['<script>alert("x")</script>', "a\\\\b\\"c;--> [*]", "&amp;\\u0000\\uD800 ]]>"]}
tasks:
  '<script>alert("x")</script>': {}
  "a\\\\b\\"c;--> [*]": {}
  "&amp;\\u0000\\uD800 ]]>": {}
`;
