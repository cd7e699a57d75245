import type { TreeNode } from "./tree.ts";

const MAX_TEXT = 60;
const MAX_LISTED = 12;

/** A name or text of the document for a message: quoted, control characters escaped, bounded. */
export function quote(text: string): string {
  const short = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
  return JSON.stringify(short);
}

/** What a value is, in a few words. */
export function describe(node: TreeNode): string {
  if (node.kind === "map") return "a map";
  if (node.kind === "list") return "a list";
  if (node.value === null) return node.plain === "" ? "nothing" : "null";
  if (typeof node.value === "string") return quote(node.value);
  const text = node.plain ?? String(node.value);
  return typeof node.value === "number" ? `the number ${text.slice(0, MAX_TEXT)}` : `the boolean ${text}`;
}

/** Names for a message: quoted, and not more than a reader wants. */
export function listNames(names: Iterable<string>, separator = ", "): string {
  const all = [...names];
  const shown = all.slice(0, MAX_LISTED).map(quote).join(separator);
  return all.length > MAX_LISTED ? `${shown} and ${all.length - MAX_LISTED} more` : shown || "none";
}

/** The end of a message about an unknown name. */
export function suggest(nearest: string | undefined): string {
  return nearest === undefined ? "" : ` Did you mean ${quote(nearest)}?`;
}
