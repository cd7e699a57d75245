import type { MapNode, Place, ScalarNode, TreeNode } from "../document/tree.ts";
import { splitTemplate } from "../expression/split-template.ts";
import type { Opening } from "./relax-schema.ts";

/** A config whose texts may hold expressions. */
export interface OpenConfig {
  /** The config with `$${` as the `${` that it stands for, except in texts with expressions. */
  readonly node: MapNode;
  /** Where texts with expressions stand; undefined when there is none. */
  readonly opening: Opening | undefined;
  /** The places of those texts. */
  readonly places: ReadonlySet<Place>;
}

/** Takes the texts of a config apart. */
export function openConfig(config: MapNode): OpenConfig {
  const places = new Set<Place>();
  const { node, opening } = openMap(config, places);
  return { node, opening, places };
}

interface Opened<Node extends TreeNode = TreeNode> {
  readonly node: Node;
  readonly opening: Opening | undefined;
}

function openNode(node: TreeNode, places: Set<Place>): Opened {
  if (node.kind === "map") return openMap(node, places);
  if (node.kind === "scalar") return openScalar(node, places);
  const opened = node.items.map((item) => openNode(item, places));
  return {
    node: { ...node, items: opened.map((item) => item.node) },
    opening: toOpening(opened.map(({ opening }, index) => [String(index), opening])),
  };
}

function openMap(map: MapNode, places: Set<Place>): Opened<MapNode> {
  const opened = [...map.entries].map(([key, entry]) => {
    const { node, opening } = openNode(entry.value, places);
    return { key, entry: { ...entry, value: node }, opening };
  });
  return {
    node: { ...map, entries: new Map(opened.map(({ key, entry }) => [key, entry])) },
    opening: toOpening(opened.map(({ key, opening }) => [key, opening])),
  };
}

function openScalar(node: ScalarNode, places: Set<Place>): Opened {
  if (typeof node.value !== "string" || !node.value.includes("${")) return { node, opening: undefined };
  const parts = splitTemplate(node.value);
  if (parts.every(({ kind }) => kind === "text")) {
    const value = parts.map((part) => (part.kind === "text" ? part.text : "")).join("");
    return { node: { kind: "scalar", at: node.at, value }, opening: undefined };
  }
  places.add(node.at);
  return { node, opening: "here" };
}

function toOpening(inner: readonly (readonly [string, Opening | undefined])[]): Opening | undefined {
  const openings = inner.flatMap(([key, opening]) => (opening === undefined ? [] : [[key, opening] as const]));
  return openings.length > 0 ? new Map(openings) : undefined;
}
