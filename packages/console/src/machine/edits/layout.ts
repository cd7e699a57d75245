import { isScalar, type Pair } from "yaml";
import type { Range } from "./operation.ts";
import type { Element, Item, ListItem, MapItem, Source } from "./source.ts";

/** Where a member of a map or list stands. */
export interface Extent {
  /** Of its key, its dash, or in flow lists of its value. */
  readonly start: number;
  /** Behind its last character; comments and line ends do not count. */
  readonly end: number;
}

type Token = { readonly type: string; readonly offset: number; readonly source: string };

/** Returns where the members of a map or list stand, in their order; merge keys are members too. */
export function extentsOf(collection: MapItem | ListItem): readonly Extent[] {
  if (collection.kind === "list") return collection.items.map((item, index) => itemExtent(collection, item, index));
  const values = new Map<Pair, Element>(collection.entries.map((entry) => [entry.pair, entry]));
  return (collection.node?.items ?? []).map((pair) => {
    const key = isScalar(pair.key) ? (pair.key.range?.[0] ?? 0) : 0;
    return { start: Math.min(key, ...propertiesOf(pair)), end: pairEnd(pair, values.get(pair)) };
  });
}

/** Anchors and tags before a key. */
function propertiesOf(pair: Pair): readonly number[] {
  const { start = [] } = (pair.srcToken ?? {}) as { readonly start?: readonly Token[] };
  return start.filter(({ type }) => PROPERTIES.has(type)).map(({ offset }) => offset);
}

const PROPERTIES = new Set(["anchor", "tag", "explicit-key-ind"]);

/** Behind the colon of a pair, or the anchor or tag after it. */
export function afterColon(pair: Pair): number {
  const { sep = [] } = (pair.srcToken ?? {}) as { readonly sep?: readonly Token[] };
  const ends = sep
    .filter(({ type }) => type === "map-value-ind" || type === "anchor" || type === "tag")
    .map(({ offset, source }) => offset + source.length);
  return Math.max(isScalar(pair.key) ? (pair.key.range?.[1] ?? 0) : 0, ...ends);
}

function pairEnd(pair: Pair, element: Element | undefined): number {
  const after = afterColon(pair);
  if (element !== undefined) return elementEnd(element, after);
  // Of a merge key.
  const node = pair.value as { readonly range?: readonly [number, number, number] } | null;
  return Math.max(after, node?.range?.[1] ?? 0);
}

/** Behind the last character of a value; `empty` where nothing is written. */
export function elementEnd({ value, alias }: Element, empty: number): number {
  if (alias !== undefined) return alias.to;
  return Math.max(empty, itemEnd(value));
}

function itemEnd(item: Item): number {
  if (item.kind === "scalar" || isFlow(item)) return item.range.to;
  return extentsOf(item).at(-1)?.end ?? item.range.to;
}

function itemExtent({ node }: ListItem, element: Element, index: number): Extent {
  const { items = [] } = (node.srcToken ?? {}) as { readonly items?: readonly { readonly start: readonly Token[] }[] };
  const from = element.alias?.from ?? element.value.range.from;
  const dash = node.flow ? undefined : items[index]?.start.find(({ type }) => type === "seq-item-ind");
  const anchor = (items[index]?.start ?? []).find(({ type }) => PROPERTIES.has(type));
  const start = dash?.offset ?? Math.min(from, anchor?.offset ?? from);
  return { start, end: elementEnd(element, dash === undefined ? from : dash.offset + 1) };
}

/** True for `{…}` and `[…]`. */
export function isFlow(item: Item): boolean {
  return item.kind !== "scalar" && item.node?.flow === true;
}

/** True for a map or list without members. */
export function isEmpty(item: Item): boolean {
  if (item.kind === "scalar") return item.value === null;
  return item.kind === "list" ? item.items.length === 0 : (item.node?.items.length ?? 0) === 0;
}

/** How far an offset is from the start of its line. */
export function columnOf({ text }: Source, offset: number): number {
  return offset - lineStart(text, offset);
}

/** The start of the line of an offset. */
export function lineStart(text: string, offset: number): number {
  return text.lastIndexOf("\n", offset - 1) + 1;
}

/** The start of the line after the one on which something ends. Block scalars end behind their line end. */
export function nextLine(text: string, end: number): number {
  if (end > 0 && text[end - 1] === "\n") return end;
  const index = text.indexOf("\n", end);
  return index === -1 ? text.length : index + 1;
}

/** True when only spaces stand before an offset on its line. */
export function isFirstOnLine(text: string, offset: number): boolean {
  return text.slice(lineStart(text, offset), offset).trim() === "";
}

/**
 * The lines of a member in block style, with the comment lines directly above it that begin in its column; `after` is where
 * what is before it ends.
 */
export function linesOf(text: string, { start, end }: Extent, after: number): Range {
  let from = lineStart(text, start);
  const column = start - from;
  while (from > after) {
    const above = lineStart(text, from - 1);
    const line = text.slice(above, from);
    if (above < after || line.search(/\S/) !== column || line[column] !== "#") break;
    from = above;
  }
  return { from, to: nextLine(text, end) };
}

/** True when a range is on one line. */
export function isOneLine(text: string, { from, to }: Range): boolean {
  return !text.slice(from, to).includes("\n");
}
