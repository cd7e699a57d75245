import type { CST } from "yaml";
import type { Range } from "./operation.ts";
import { type Element, entryAt, type Item, type ListItem, type Member, membersOf, type Source } from "./source.ts";

/** The place of a member of a map or list. */
export interface Extent {
  /** The start of its key, its dash, or in flow lists of its value. */
  readonly start: number;
  /** Behind its last character; comments and line ends do not count. */
  readonly end: number;
}

/** Returns where the members of a map or list stand, in their order; merge keys are members too. */
export function extentsOf(item: Item): readonly Extent[] {
  if (item.kind === "scalar") return [];
  if (item.kind === "list") return item.items.map((element, index) => itemExtent(item, element, index));
  return item.members.map((member) => {
    const properties = (member.pair.srcToken?.start ?? []).filter(({ type }) => PROPERTIES.has(type));
    const start = Math.min(member.keyRange.from, ...properties.map(({ offset }) => offset));
    return { start, end: elementEnd(member, afterColon(member)) };
  });
}

// The tokens that may precede a key or an item and are part of it.
const PROPERTIES = new Set(["anchor", "tag", "explicit-key-ind"]);

/** Returns the offset after the colon of a member, or the anchor or tag after it. */
export function afterColon({ keyRange, pair }: Member): number {
  const ends = (pair.srcToken?.sep ?? [])
    .filter(({ type }) => type === "map-value-ind" || type === "anchor" || type === "tag")
    .map(({ offset, source }) => offset + source.length);
  return Math.max(keyRange.to, ...ends);
}

/** Returns the offset after the last character of a value; `empty` if nothing is written. */
export function elementEnd({ value, alias }: Element, empty: number): number {
  if (alias !== undefined) return alias.to;
  return Math.max(empty, itemEnd(value));
}

function itemEnd(item: Item): number {
  if (isFlow(item)) return item.range.to;
  return extentsOf(item).at(-1)?.end ?? item.range.to;
}

function itemExtent({ node }: ListItem, element: Element, index: number): Extent {
  const { items } = node.srcToken as CST.BlockSequence | CST.FlowCollection;
  const tokens = items[index]?.start ?? [];
  const from = element.alias?.from ?? element.value.range.from;
  const dash = tokens.find(({ type }) => type === "seq-item-ind");
  const anchor = tokens.find(({ type }) => PROPERTIES.has(type));
  const start = dash?.offset ?? Math.min(from, anchor?.offset ?? from);
  return { start, end: elementEnd(element, dash === undefined ? from : dash.offset + 1) };
}

/** Returns true for `{…}` and `[…]`. */
export function isFlow(item: Item): boolean {
  return item.kind !== "scalar" && item.node.flow === true;
}

/** Returns true for a map or list without members. */
export function isEmpty(item: Item): boolean {
  return item.kind === "scalar" ? item.value === null : membersOf(item).length === 0;
}

/** Returns how far an offset is from the start of its line. */
export function columnOf({ text }: Source, offset: number): number {
  return offset - lineStart(text, offset);
}

/** Returns the start of the line of an offset. */
export function lineStart(text: string, offset: number): number {
  return text.lastIndexOf("\n", offset - 1) + 1;
}

/** Returns the start of the line after the end of something. A block scalar ends after its line end. */
export function nextLine(text: string, end: number): number {
  if (end > 0 && text[end - 1] === "\n") return end;
  const index = text.indexOf("\n", end);
  return index === -1 ? text.length : index + 1;
}

/** Returns true if only spaces precede an offset on its line. */
export function isFirstOnLine(text: string, offset: number): boolean {
  return text.slice(lineStart(text, offset), offset).trim() === "";
}

/**
 * Returns the lines of each member in block style, with the comment lines directly above it that begin in its column.
 * Comments at the head of a document belong to all of it.
 */
export function linesOf(source: Source, collection: Item): readonly Range[] {
  const owner = entryAt(source, collection.path);
  let after = owner && afterColon(owner);
  return extentsOf(collection).map(({ start, end }) => {
    const from = findComments(source.text, start, after ?? lineStart(source.text, start));
    after = end;
    return { from, to: nextLine(source.text, end) };
  });
}

/**
 * Returns the start of the line of an offset, or of the comment lines above it that begin in its column, not before
 * `after`.
 */
function findComments(text: string, start: number, after: number): number {
  let from = lineStart(text, start);
  const comment = `${" ".repeat(start - from)}#`;
  const above = () => lineStart(text, from - 1);
  while (above() >= after && text.startsWith(comment, above())) from = above();
  return from;
}

/** Returns true if a range is on one line. */
export function isOneLine(text: string, { from, to }: Range): boolean {
  return !text.slice(from, to).includes("\n");
}
