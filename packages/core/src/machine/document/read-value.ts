import { cutText } from "../cut-text.ts";
import { findMachineDocument } from "../define-machine.ts";
import type { MachineLimits } from "./compile-context.ts";
import type { ProblemList } from "./problem-list.ts";
import type { Entry, Path, Place, TreeNode } from "./tree.ts";

interface Reading {
  readonly limits: MachineLimits;
  readonly problems: ProblemList;
  nodes: number;
}

/**
 * Reads a document from a value. Only JSON values are read: own enumerable keys of plain objects, lists, texts, finite
 * numbers, booleans and null; keys whose value is undefined are left out. Returns undefined, with `value-not-json` or
 * `limit-exceeded`, when there is anything else. Getters and proxies that throw are such a problem too.
 */
export function readValue(value: unknown, limits: MachineLimits, problems: ProblemList): TreeNode | undefined {
  const reading: Reading = { limits, problems, nodes: 0 };
  try {
    const tree = readAny(reading, findMachineDocument(value), []);
    return problems.countErrors() > 0 ? undefined : tree;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : "unknown reason";
    problems.error("value-not-json", { path: [], at: newPlace() }, `The document cannot be read: ${cutText(why, 200)}`);
    return undefined;
  }
}

// Creates a place for every value, because the list of problems drops repetitions at the same place.
function newPlace(): Place {
  return { line: 1, column: 1 };
}

function readAny(reading: Reading, value: unknown, path: Path): TreeNode {
  const at = newPlace();
  reading.nodes += 1;
  if (isTooMuch(reading, path)) return { kind: "scalar", at, value: null };
  if (value === null || typeof value === "string" || typeof value === "boolean") return { kind: "scalar", at, value };
  if (typeof value === "number" && Number.isFinite(value)) return { kind: "scalar", at, value };
  if (Array.isArray(value)) return { kind: "list", at, items: readItems(reading, value, path) };
  if (isPlainObject(value)) return { kind: "map", at, entries: readEntries(reading, value, path) };
  const message = `This is ${nameKind(value)}, which JSON cannot hold.`;
  reading.problems.error("value-not-json", { path, at }, message);
  return { kind: "scalar", at, value: null };
}

function isTooMuch({ nodes, limits, problems }: Reading, path: Path): boolean {
  const deep = path.length > limits.maxDepth;
  if (!deep && nodes <= limits.maxNodes) return false;
  const message = deep
    ? `The document is nested more than ${limits.maxDepth} levels deep.`
    : `The document has more than ${limits.maxNodes} values.`;
  if (problems.countErrors() === 0) problems.error("limit-exceeded", { path: [], at: newPlace() }, message);
  return true;
}

function readItems(reading: Reading, list: readonly unknown[], path: Path): readonly TreeNode[] {
  const items: TreeNode[] = [];
  for (let index = 0; index < list.length && reading.nodes <= reading.limits.maxNodes; index++) {
    items.push(readAny(reading, list[index], [...path, String(index)]));
  }
  return items;
}

function readEntries(reading: Reading, map: object, path: Path): ReadonlyMap<string, Entry> {
  const entries = new Map<string, Entry>();
  for (const [key, value] of Object.entries(map)) {
    if (reading.nodes > reading.limits.maxNodes) break;
    if (value === undefined) continue;
    entries.set(key, { keyAt: newPlace(), value: readAny(reading, value, [...path, key]) });
  }
  return entries;
}

// Not by identity with Object.prototype: objects of another realm (a test runner, a worker) are plain too.
function isPlainObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype: object | null = Object.getPrototypeOf(value);
  return prototype === null || isRootPrototype(prototype);
}

function isRootPrototype(prototype: object): boolean {
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "hasOwnProperty");
}

function nameKind(value: unknown): string {
  if (typeof value === "number") return String(value);
  if (typeof value === "object") return "an object of a class";
  return typeof value === "undefined" ? "undefined" : `a ${typeof value}`;
}
