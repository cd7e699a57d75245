import { hasComment, lineEndAt, requireOneLine } from "./insert.ts";
import { afterColon, type Extent, extentsOf, isFirstOnLine, isFlow, lineStart, linesOf } from "./layout.ts";
import { type Change, EditRefused, type Path, type Range } from "./operation.ts";
import { type Item, itemAt, type ListItem, type MapItem, type Source } from "./source.ts";

/** A member of a map or list that is to be removed or moved. */
interface Found {
  readonly collection: MapItem | ListItem;
  readonly extents: readonly Extent[];
  readonly index: number;
  readonly extent: Extent;
}

function findMember(source: Source, path: Path): Found {
  const collection = itemAt(source, path.slice(0, -1));
  const key = path.at(-1) ?? "";
  const extents = collection === undefined || collection.kind === "scalar" ? [] : extentsOf(collection);
  const index = collection?.kind === "map" ? indexOfKey(collection, String(key)) : Number(key);
  const extent = extents[index];
  if (collection === undefined || collection.kind === "scalar" || extent === undefined) {
    throw new EditRefused("edit-missing", `The document has no ${path.join(".")}.`);
  }
  return { collection, extents, index, extent };
}

function indexOfKey(map: MapItem, key: string): number {
  const entry = map.entries.find((each) => each.key === key);
  return entry === undefined ? -1 : (map.node?.items.indexOf(entry.pair) ?? -1);
}

/** Removes an entry of a map or an item of a list, in block style with the comment lines directly above it. */
export function removeMember(source: Source, path: Path): readonly Change[] {
  const found = findMember(source, path);
  refuseAnchors(source, found.extent);
  if (isFlow(found.collection)) {
    requireOneLine(source, found.collection);
    return [removeFromFlow(found)];
  }
  if (found.extents.length === 1) return removeLast(source, found);
  return [{ ...removedLines(source, found), insert: "" }];
}

/** Refuses to lose an anchor that is used elsewhere. */
function refuseAnchors({ root, aliases }: Source, { start, end }: Extent): void {
  const within = ({ from }: Range) => from >= start && from < end;
  for (const { anchor, range } of listItems(root)) {
    if (anchor === undefined || !within(range)) continue;
    const [place, ...more] = (aliases.get(anchor) ?? []).filter((alias) => !within(alias));
    if (place === undefined) continue;
    const message = `The value has the anchor &${anchor}, which is used in ${more.length + 1} other places.`;
    throw new EditRefused("edit-shared", message, { place });
  }
}

/** Every value, where it is written. */
function listItems(item: Item): readonly Item[] {
  const children = item.kind === "map" ? item.entries : item.kind === "list" ? item.items : [];
  return [item, ...children.flatMap(({ value, alias }) => (alias === undefined ? listItems(value) : []))];
}

function removeFromFlow({ collection, extents, index, extent }: Found): Change {
  const before = extents[index - 1];
  if (before !== undefined) return { from: before.end, to: extent.end, insert: "" };
  const next = extents[index + 1];
  if (next !== undefined) return { from: extent.start, to: next.start, insert: "" };
  return { from: collection.range.from + 1, to: collection.range.to - 1, insert: "" };
}

function removedLines({ text }: Source, { collection, extents, index, extent }: Found): Range {
  const next = extents[index + 1];
  if (isFirstOnLine(text, extent.start)) {
    return linesOf(text, extent, extents[index - 1]?.end ?? boundBefore(text, collection, extent));
  }
  // The first entry of a map on the line of its dash: the next one takes its place.
  const gap = text.slice(extent.end, next?.start ?? extent.end);
  if (next !== undefined && !hasComment(gap)) return { from: extent.start, to: next.start };
  const place = { from: extent.start, to: extent.end };
  throw new EditRefused("edit-flow", "The entry is on the same line as its key.", { place });
}

/** Comment lines above the first member reach up to the line of the key that has it. */
function boundBefore(text: string, { range, path }: MapItem | ListItem, { start }: Extent): number {
  if (path.length === 0) return firstOwnLine(text, start);
  return Math.min(range.from, start);
}

/** Comments at the head of a document belong to all of it. */
function firstOwnLine(text: string, start: number): number {
  return lineStart(text, start);
}

/** The only member goes: `{}` or `[]` stays. */
function removeLast(source: Source, found: Found): readonly Change[] {
  const { collection } = found;
  const parent = itemAt(source, collection.path.slice(0, -1));
  const key = collection.path.at(-1);
  const entry = parent?.kind === "map" ? parent.entries.find((each) => each.key === key) : undefined;
  if (entry === undefined || collection.path.length === 0) {
    const { start, end } = found.extent;
    throw new EditRefused("edit-differs", "The last entry cannot be removed here.", {
      place: { from: start, to: end },
    });
  }
  const after = afterColon(entry.pair);
  const empty = { from: after, to: after, insert: collection.kind === "map" ? " {}" : " []" };
  return [empty, { ...removedLines(source, found), insert: "" }];
}

/** Moves a member within its map or list, with the comment lines directly above it. */
export function moveMember(source: Source, path: Path, to: number): readonly Change[] {
  const found = findMember(source, path);
  const position = toPosition(found, to);
  if (position === found.index) return [];
  if (isFlow(found.collection)) {
    requireOneLine(source, found.collection);
    return moveInFlow(source, found, position);
  }
  return moveLines(source, found, position);
}

/** Merge keys count as members, but not for the steps. */
function toPosition({ collection, index }: Found, to: number): number {
  if (collection.kind === "list") return to;
  const pairs = collection.node?.items ?? [];
  const others = collection.entries.filter(({ pair }) => pair !== pairs[index]);
  const next = others[to];
  if (next === undefined) return pairs.length - 1;
  const place = pairs.indexOf(next.pair);
  return place > index ? place - 1 : place;
}

function moveInFlow({ text }: Source, { extents, index }: Found, to: number): readonly Change[] {
  const texts = extents.map(({ start, end }) => text.slice(start, end));
  const gaps = extents.slice(1).map(({ start }, at) => text.slice(extents[at]?.end ?? start, start));
  texts.splice(to, 0, ...texts.splice(index, 1));
  const insert = texts.map((part, at) => (at === 0 ? part : (gaps[at - 1] ?? "") + part)).join("");
  return [{ from: extents[0]?.start ?? 0, to: extents.at(-1)?.end ?? 0, insert }];
}

function moveLines(source: Source, found: Found, to: number): readonly Change[] {
  const { text } = source;
  const { collection, extents, index } = found;
  const first = extents[0];
  if (first === undefined || !isFirstOnLine(text, first.start)) {
    const place = { from: first?.start ?? 0, to: first?.end ?? 0 };
    throw new EditRefused("edit-flow", "The first entry is on the same line as its key.", { place });
  }
  const blocks = extents.map((extent, at) =>
    linesOf(text, extent, extents[at - 1]?.end ?? boundBefore(text, collection, extent)),
  );
  const own = blocks[index];
  const others = blocks.filter((_, at) => at !== index);
  if (own === undefined) return [];
  const at = to === 0 ? others[0]?.from : others[to - 1]?.to;
  if (at === undefined) return [];
  const eol = lineEndAt(text, own.from);
  const moved = text.slice(own.from, own.to);
  const complete = moved.endsWith("\n") ? moved : moved + eol;
  // The last line of a document may have no line end.
  if (at === text.length && !text.endsWith("\n")) {
    return [
      { ...own, insert: "" },
      { from: at, to: at, insert: eol + complete.slice(0, -eol.length) },
    ];
  }
  return [
    { ...own, insert: "" },
    { from: at, to: at, insert: complete },
  ];
}
