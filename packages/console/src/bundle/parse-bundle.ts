import { isMap } from "@stackyard/core";
import type { StackBundle } from "@stackyard/sdk";

/** The content of a file. */
export type ParsedBundle =
  | { readonly kind: "bundle"; readonly bundle: StackBundle }
  | { readonly kind: "problem"; readonly message: string };

/** The server writes at most 32 MiB. */
const MAX_BYTES = 40 * 1024 * 1024;

/** Reads the file of an incident bundle. Nothing in it is trusted: what a screen needs must have its type. */
export async function readBundle(file: Blob): Promise<ParsedBundle> {
  if (file.size > MAX_BYTES) return problem("The file is larger than 40 MiB. A bundle has at most 32 MiB.");
  let value: unknown;
  try {
    value = JSON.parse(await file.text());
  } catch {
    return problem("The file is not JSON. Drop a file that was downloaded as a bundle.");
  }
  const fault = findFault(value);
  return fault === undefined ? { kind: "bundle", bundle: value as StackBundle } : problem(fault);
}

function problem(message: string): ParsedBundle {
  return { kind: "problem", message };
}

const LISTS = ["attempts", "parked", "processes", "history", "revisions", "cut"] as const;

function findFault(value: unknown): string | undefined {
  if (!isMap(value) || typeof value["format"] !== "number" || typeof value["stackId"] !== "string") {
    return "The file is not a bundle: it has no format and stackId.";
  }
  if (value["format"] !== 1) {
    return `The bundle has format ${value["format"]}. This console reads format 1; open it with a newer one.`;
  }
  const wrong = LISTS.find((name) => !Array.isArray(value[name]));
  if (wrong !== undefined) return `The bundle is damaged: ${wrong} is not a list.`;
  if (value["report"] !== undefined && !Array.isArray(value["report"])) {
    return "The bundle is damaged: report is not a list.";
  }
  const { stack, graph } = value;
  if (graph !== undefined && !isGraph(graph)) return "The bundle is damaged: graph is incomplete.";
  return stack === null ? undefined : findStackFault(stack);
}

const LISTS_OF_STACK = ["tasks", "attempts", "parked", "timers"] as const;

function findStackFault(stack: unknown): string | undefined {
  if (!isMap(stack) || !LISTS_OF_STACK.every((name) => Array.isArray(stack[name]))) {
    return "The bundle is damaged: stack is incomplete.";
  }
  return isMap(stack["metadata"]) ? undefined : "The bundle is damaged: stack has no metadata.";
}

function isGraph(graph: unknown): boolean {
  if (!isMap(graph)) return false;
  const { nodes, edges } = graph;
  return Array.isArray(nodes) && nodes.every(isNode) && Array.isArray(edges) && edges.every(isMap);
}

function isNode(node: unknown): boolean {
  if (!isMap(node) || typeof node["id"] !== "string") return false;
  const { tasks = [] } = node;
  return Array.isArray(tasks) && tasks.every((task) => typeof task === "string");
}
