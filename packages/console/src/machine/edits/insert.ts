import { replaceBlockScalar, toBlockScalar } from "./block-scalar.ts";
import {
  afterColon,
  columnOf,
  elementEnd,
  extentsOf,
  isEmpty,
  isFirstOnLine,
  isFlow,
  isOneLine,
  linesOf,
  nextLine,
} from "./layout.ts";
import { lineEndAt, lineEndBefore } from "./line-ends.ts";
import { type Change, EditRefused, type Path, type Plain } from "./operation.ts";
import { renderEntry, renderFlow, renderItem, renderScalar, type Style } from "./render.ts";
import { type Entry, entryAt, type Item, itemAt, type ListItem, type MapItem, type Source } from "./source.ts";
import { findStyle } from "./style.ts";

/** A new member of a map or list: as lines in block style, or as text on one line. */
interface Member {
  readonly lines: (style: Style) => readonly string[];
  readonly flow: (style: Style) => string;
}

/** Writes a new entry of a map. Without `after` it becomes the last. */
export function insertEntry(
  source: Source,
  {
    path,
    key,
    value,
    after,
  }: { readonly path: Path; readonly key: string; readonly value: Plain; readonly after?: string },
): readonly Change[] {
  const map = itemAt(source, path);
  if (map === undefined || map.kind === "list") throw missing(path);
  const index = map.kind === "map" ? findIndex(map, after) : 0;
  const member: Member = {
    lines: (style) => renderEntry(key, value, style),
    flow: (style) => `${renderScalar(key, style.quote)}: ${renderFlow(value, style)}`,
  };
  return insertMember(source, { path, collection: map, index, member });
}

function findIndex(map: MapItem, after: string | undefined): number {
  const entry = map.entries.find(({ key }) => key === after);
  return entry === undefined ? map.members.length : map.members.indexOf(entry) + 1;
}

/** Writes a new item of a list. */
export function insertItem(
  source: Source,
  { path, index, value }: { readonly path: Path; readonly index: number; readonly value: Plain },
): readonly Change[] {
  const list = itemAt(source, path);
  if (list === undefined || list.kind === "map") throw missing(path);
  const member: Member = { lines: (style) => renderItem(value, style), flow: (style) => renderFlow(value, style) };
  return insertMember(source, { path, collection: list, index, member });
}

function missing(path: Path): EditRefused {
  return new EditRefused("edit-missing", `The document has no ${path.join(".")} to add to.`);
}

interface Insertion {
  readonly path: Path;
  readonly collection: Item;
  /** Before which member; the number of members for the end. */
  readonly index: number;
  readonly member: Member;
}

function insertMember(source: Source, insertion: Insertion): readonly Change[] {
  const { collection } = insertion;
  const style = findStyle(source, collection);
  if (isEmpty(collection)) return fillEmpty(source, insertion, style);
  if (collection.kind === "scalar") throw missing(insertion.path);
  if (!isFlow(collection)) return insertLines(source, { ...insertion, collection }, style);
  requireOneLine(source, collection);
  const extents = extentsOf(collection);
  const before = extents[insertion.index - 1];
  const text = insertion.member.flow(style);
  if (before !== undefined) return [{ from: before.end, to: before.end, insert: `, ${text}` }];
  const first = extents[0]?.start ?? collection.range.from + 1;
  return [{ from: first, to: first, insert: `${text}, ` }];
}

/** Refuses a flow collection that is written over several lines. */
export function requireOneLine(source: Source, collection: Item): void {
  const { text } = source;
  if (isOneLine(text, collection.range)) return;
  const message =
    "This part is written in braces or brackets over several lines, where nothing is inserted or removed.";
  const { path, range } = outermostFlow(source, collection.path);
  // An item of a list cannot be converted.
  const canConvert = typeof path.at(-1) !== "number" && !hasComment(text.slice(range.from, range.to));
  throw new EditRefused("edit-flow", message, {
    place: collection.range,
    offers: canConvert ? [{ label: "Convert to block", operation: { kind: "convert-to-block", path } }] : [],
  });
}

function outermostFlow(source: Source, path: Path): Item {
  const owner = path.length === 0 ? undefined : itemAt(source, path.slice(0, -1));
  if (owner !== undefined && isFlow(owner)) return outermostFlow(source, owner.path);
  return itemAt(source, path) ?? source.root;
}

/** Returns true if a text of a flow collection contains a comment; a `#` in quotes may count too. */
export function hasComment(text: string): boolean {
  return /(?:^|\s)#/.test(text);
}

function insertLines(
  source: Source,
  { collection, index, member }: Insertion & { readonly collection: MapItem | ListItem },
  style: Style,
): readonly Change[] {
  const { text } = source;
  const extents = extentsOf(collection);
  const [first] = extents;
  if (first === undefined) throw missing(collection.path);
  const column = columnOf(source, first.start);
  const lines = member.lines(style);
  const before = extents[index - 1];
  if (before !== undefined) return [insertAfter(text, before.end, { lines, column })];
  if (!isFirstOnLine(text, first.start)) {
    const message = "The first entry is on the same line as its key.";
    throw new EditRefused("edit-flow", message, { place: { from: first.start, to: first.end } });
  }
  const at = linesOf(source, collection)[0]?.from ?? first.start;
  const eol = lineEndAt(text, first.end);
  return [
    {
      from: at,
      to: at,
      insert: toLines(lines, column)
        .map((line) => line + eol)
        .join(""),
    },
  ];
}

interface Lines {
  readonly lines: readonly string[];
  readonly column: number;
}

/** Writes lines after the one on which something ends. */
export function insertAfter(text: string, end: number, { lines, column }: Lines): Change {
  const eol = lineEndAt(text, end);
  const at = nextLine(text, end);
  const block = toLines(lines, column).join(eol);
  return { from: at, to: at, insert: at === text.length && !text.endsWith("\n") ? eol + block : block + eol };
}

function toLines(lines: readonly string[], column: number): readonly string[] {
  return lines.map((line) => " ".repeat(column) + line);
}

/** Inserts the first member of `{}`, `[]` or nothing: in block style if its parent is. */
function fillEmpty(source: Source, { path, collection, member }: Insertion, style: Style): readonly Change[] {
  const parent = itemAt(source, path.slice(0, -1));
  const { from, to } = collection.range;
  if (path.length === 0 || parent === undefined || isFlow(parent)) return fillFlow(collection, member, style);
  if (!isOneLine(source.text, collection.range)) requireOneLine(source, collection);
  if (parent.kind === "list") {
    const column = columnOf(source, from);
    const [head = "", ...rest] = member.lines(style);
    const eol = lineEndAt(source.text, to);
    return [{ from, to, insert: [head, ...rest.map((line) => " ".repeat(column) + line)].join(eol) }];
  }
  const entry = entryAt(source, path);
  if (entry === undefined) throw missing(path);
  const after = afterColon(entry);
  const column = columnOf(source, entry.keyRange.from);
  const isList = member.lines(style)[0]?.startsWith("- ") === true;
  const removed = from === to ? [] : [{ from: after, to, insert: "" }];
  const end = elementEnd(entry, after);
  const lines = { lines: member.lines(style), column: column + (isList ? style.listStep : style.step) };
  return [...removed, insertAfter(source.text, end, lines)];
}

function fillFlow(collection: Item, member: Member, style: Style): readonly Change[] {
  const { from, to } = collection.range;
  const isMap = collection.kind !== "list";
  const [open, close] = isMap ? ["{", "}"] : ["[", "]"];
  const pad = (isMap ? style.padMap : style.padList) ? " " : "";
  const lead = from === to ? " " : "";
  return [{ from, to, insert: `${lead}${open}${pad}${member.flow(style)}${pad}${close}` }];
}

/** Replaces a value by any other one. */
export function replaceValue(source: Source, path: Path, value: Plain): readonly Change[] {
  const item = itemAt(source, path);
  const parent = itemAt(source, path.slice(0, -1));
  if (item === undefined || parent === undefined || parent.kind === "scalar") throw missing(path);
  const style = findStyle(source, parent);
  const entry = entryAt(source, path);
  const end = elementEnd({ value: item, alias: undefined }, item.range.from);
  const text = renderFlow(value, style);
  if (item.kind !== "scalar") {
    if (!isFlow(item)) return replaceBlock(source, { item, entry, end, text });
    requireOneLine(source, item);
    return [{ from: item.range.from, to: end, insert: text }];
  }
  const isShort = entry === undefined || isFlow(parent) || typeof value !== "object" || value === null;
  const lines = isShort ? [] : renderEntry(entry.key, value, style).slice(1);
  return replaceScalar(source, { item, entry, end, text }, lines);
}

/** Replaces a scalar by a text on one line or, where there are any, by lines under its key. */
function replaceScalar(source: Source, replacement: Replacement, lines: readonly string[]): readonly Change[] {
  const { item, entry, end, text: head } = replacement;
  const block = toBlockScalar(item);
  if (entry === undefined || lines.length === 0) {
    return block === undefined ? [replaceInLine(replacement)] : replaceBlockScalar(source, block, { head, lines });
  }
  const from = afterColon(entry);
  const column = columnOf(source, entry.keyRange.from);
  if (block !== undefined) {
    const header = { from, to: block.header.to };
    return replaceBlockScalar(source, { ...block, header }, { head: "", lines: toLines(lines, column) });
  }
  const to = Math.max(from, end);
  return [{ from, to, insert: "" }, insertAfter(source.text, to, { lines, column })];
}

function replaceInLine({ item, entry, end, text: insert }: Replacement): Change {
  const { from } = item.range;
  if (from < item.range.to) return { from, to: end, insert };
  const empty = entry === undefined ? from : afterColon(entry);
  return { from: empty, to: empty, insert: ` ${insert}` };
}

/** Returns the end without a line end, which a block scalar includes. */
function withoutLineEnd(text: string, from: number, end: number): number {
  return end > from && text[end - 1] === "\n" ? lineEndBefore(text, end) : end;
}

interface Replacement {
  readonly item: Item;
  readonly entry: Entry | undefined;
  readonly end: number;
  readonly text: string;
}

/** Replaces a block collection by text on one line, unless comments in it would be lost. */
function replaceBlock({ text }: Source, { item, entry, end, text: insert }: Replacement): readonly Change[] {
  const from = entry === undefined ? item.range.from : afterColon(entry);
  const to = withoutLineEnd(text, from, end);
  if (!hasComment(text.slice(from, to))) return [{ from, to, insert: entry === undefined ? insert : ` ${insert}` }];
  throw new EditRefused("edit-flow", "Comments in this part would be lost.", { place: { from, to } });
}
