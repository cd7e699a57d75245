import { cutText } from "../cut-text.ts";
import { formatNames } from "../format-names.ts";
import type { TreeNode } from "./tree.ts";

const MAX_TEXT = 60;
const MAX_LISTED = 12;

/** Formats a name or text of the document for a message: quoted, control characters escaped, bounded. */
export function quote(text: string): string {
  return JSON.stringify(cutText(text, MAX_TEXT));
}

/** Describes a value in a few words. */
export function describe(node: TreeNode): string {
  if (node.kind === "map") return "a map";
  if (node.kind === "list") return node.items.length === 0 ? "an empty list" : "a list";
  if (node.value === null) return node.plain === "" ? "empty" : "null";
  if (typeof node.value === "string") return quote(node.value);
  const text = node.plain ?? String(node.value);
  return typeof node.value === "number" ? `the number ${text.slice(0, MAX_TEXT)}` : `the boolean ${text}`;
}

/** Lists names for a message: quoted, and at most `MAX_LISTED`. */
export function listNames(names: Iterable<string>, separator = ", "): string {
  return formatNames(Array.from(names, quote), MAX_LISTED, separator) || "none";
}

/** Returns the end of a message about an unknown name. */
export function suggest(nearest: string | undefined): string {
  return nearest === undefined ? "" : ` Did you mean ${quote(nearest)}?`;
}

// Longer names are compared by their case only, because documents are hostile and the distance costs time.
const MAX_LENGTH = 64;

/** Returns the known name that was probably meant; undefined when none is near. The first of equally near ones wins. */
export function findNearestName(name: string, known: Iterable<string>): string | undefined {
  const upper = name.toUpperCase();
  let nearest: string | undefined;
  let allowed = Math.min(3, Math.max(1, Math.floor(name.length / 3)));
  for (const candidate of known) {
    if (candidate.length === name.length && candidate.toUpperCase() === upper) return candidate;
    const distance = toDistance(upper, candidate, allowed);
    if (distance > allowed) continue;
    nearest = candidate;
    allowed = distance - 1;
  }
  return nearest;
}

function toDistance(upper: string, candidate: string, allowed: number): number {
  const far = upper.length > MAX_LENGTH || Math.abs(upper.length - candidate.length) > allowed;
  return far ? Number.POSITIVE_INFINITY : toEditDistance(...stripCommon(upper, candidate.toUpperCase()), allowed);
}

function stripCommon(a: string, b: string): [string, string] {
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  return [a.slice(start, a.length - end), b.slice(start, b.length - end)];
}

// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours count one each. Rows end as
// soon as they are all too far.
function toEditDistance(from: string, to: string, allowed: number): number {
  let beforeLast: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const next = toNextRow({ from, to, row, last, beforeLast, allowed });
    if (next.every((distance) => distance > allowed) && last.every((distance) => distance > allowed))
      return allowed + 1;
    beforeLast = last;
    last = next;
  }
  return last[to.length] ?? 0;
}

interface RowInput {
  readonly from: string;
  readonly to: string;
  readonly row: number;
  readonly last: readonly number[];
  readonly beforeLast: readonly number[];
  readonly allowed: number;
}

function toNextRow({ from, to, row, last, beforeLast, allowed }: RowInput): readonly number[] {
  const next = new Array<number>(to.length + 1).fill(Number.POSITIVE_INFINITY);
  next[0] = row;
  // Cells further from the diagonal have a larger distance than allowed.
  for (let column = Math.max(1, row - allowed); column <= Math.min(to.length, row + allowed); column++) {
    const cost = from[row - 1] === to[column - 1] ? 0 : 1;
    const swapped = row > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
    next[column] = Math.min(
      (last[column] ?? Number.POSITIVE_INFINITY) + 1,
      (next[column - 1] ?? 0) + 1,
      (last[column - 1] ?? 0) + cost,
      swapped ? (beforeLast[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
    );
  }
  return next;
}
