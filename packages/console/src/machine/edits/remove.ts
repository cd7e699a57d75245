import { hasComment, requireOneLine } from "./insert.ts";
import { afterColon, type Extent, extentsOf, isFirstOnLine, isFlow, linesOf } from "./layout.ts";
import { lineEndAt } from "./line-ends.ts";
import { type Change, EditRefused, type Path, type Range } from "./operation.ts";
import { type Element, elementAt, entryAt, type Item, itemAt, membersOf, type Source } from "./source.ts";

/** A member of a map or list that is to be removed or moved. */
interface Found {
  readonly collection: Item;
  readonly extents: readonly Extent[];
  readonly index: number;
  readonly member: Element;
  readonly extent: Extent;
}

function findMember(source: Source, path: Path): Found {
  const collection = itemAt(source, path.slice(0, -1));
  const member = elementAt(source, path);
  if (collection !== undefined && member !== undefined) {
    const extents = extentsOf(collection);
    const index = membersOf(collection).indexOf(member);
    const extent = extents[index];
    if (extent !== undefined) return { collection, extents, index, member, extent };
  }
  throw new EditRefused("edit-missing", `The document has no ${path.join(".")}.`);
}

/** Removes an entry of a map or an item of a list, in block style with the comment lines directly above it. */
export function removeMember(source: Source, path: Path): readonly Change[] {
  const found = findMember(source, path);
  refuseAnchors(source, found);
  if (isFlow(found.collection)) {
    requireOneLine(source, found.collection);
    return [removeFromFlow(found)];
  }
  if (found.extents.length === 1) return removeLast(source, found);
  return [{ ...removedLines(source, found), insert: "" }];
}

/** Refuses to lose an anchor that is used elsewhere. */
function refuseAnchors({ aliases }: Source, { member, extent }: Found): void {
  for (const anchor of listAnchors(member)) {
    const place = aliases.get(anchor)?.find(({ from }) => from < extent.start || from >= extent.end);
    if (place === undefined) continue;
    throw new EditRefused("edit-shared", `The value has the anchor &${anchor}, which is used elsewhere.`, { place });
  }
}

/** Returns the anchors that are written in a value. */
function listAnchors({ value, alias }: Element): readonly string[] {
  if (alias !== undefined) return [];
  const inner = membersOf(value).flatMap(listAnchors);
  return value.anchor === undefined ? inner : [value.anchor, ...inner];
}

function removeFromFlow({ collection, extents, index, extent }: Found): Change {
  const before = extents[index - 1];
  if (before !== undefined) return { from: before.end, to: extent.end, insert: "" };
  const next = extents[index + 1];
  if (next !== undefined) return { from: extent.start, to: next.start, insert: "" };
  return { from: collection.range.from + 1, to: collection.range.to - 1, insert: "" };
}

function removedLines(source: Source, { collection, extents, index, extent }: Found): Range {
  const { text } = source;
  const lines = linesOf(source, collection)[index];
  if (lines !== undefined && isFirstOnLine(text, extent.start)) return lines;
  // The first entry of a map on the line of its dash: the next one takes its place.
  const next = extents[index + 1];
  if (next !== undefined && !hasComment(text.slice(extent.end, next.start)))
    return { from: extent.start, to: next.start };
  const place = { from: extent.start, to: extent.end };
  throw new EditRefused("edit-flow", "The entry is on the same line as its key.", { place });
}

/** Removes the only member: `{}` or `[]` remains. */
function removeLast(source: Source, found: Found): readonly Change[] {
  const { collection } = found;
  const entry = entryAt(source, collection.path);
  if (entry === undefined) {
    const { start, end } = found.extent;
    throw new EditRefused("edit-differs", "The last entry cannot be removed here.", {
      place: { from: start, to: end },
    });
  }
  const after = afterColon(entry);
  const empty = { from: after, to: after, insert: collection.kind === "map" ? " {}" : " []" };
  return [empty, { ...removedLines(source, found), insert: "" }];
}

/** Moves a member within its map or list, with the comment lines directly above it. */
export function moveMember(source: Source, path: Path, to: number): readonly Change[] {
  const found = findMember(source, path);
  const position = toPosition(found, to);
  if (position === found.index) return [];
  if (!isFlow(found.collection)) return moveLines(source, found, position);
  requireOneLine(source, found.collection);
  return moveInFlow(source, found, position);
}

/** Returns the position for a step. Merge keys count as members, but not for the steps. */
function toPosition({ collection, index, member }: Found, to: number): number {
  if (collection.kind !== "map") return to;
  const { entries, members } = collection;
  const next = entries.filter((entry) => entry !== member)[to];
  if (next === undefined) return members.length - 1;
  const place = members.indexOf(next);
  return place > index ? place - 1 : place;
}

function moveInFlow({ text }: Source, { extents, index }: Found, to: number): readonly Change[] {
  const texts = extents.map(({ start, end }) => text.slice(start, end));
  texts.splice(to, 0, ...texts.splice(index, 1));
  return extents.map(({ start, end }, at) => ({ from: start, to: end, insert: texts[at] ?? "" }));
}

function moveLines(source: Source, { collection, extents, index }: Found, to: number): readonly Change[] {
  const { text } = source;
  const first = extents.find(({ start }) => !isFirstOnLine(text, start));
  if (first !== undefined) {
    const place = { from: first.start, to: first.end };
    throw new EditRefused("edit-flow", "The first entry is on the same line as its key.", { place });
  }
  const lines = linesOf(source, collection);
  const own = lines[index];
  const at = lines[to > index ? to : to - 1]?.to ?? lines[0]?.from;
  if (own === undefined || at === undefined) return [];
  const eol = lineEndAt(text, own.from);
  const moved = text.slice(own.from, own.to);
  const complete = moved.endsWith("\n") ? moved : moved + eol;
  // The last line of a document may have no line end.
  const isOpen = at === text.length && !text.endsWith("\n");
  const insert = isOpen ? eol + complete.slice(0, -eol.length) : complete;
  return [
    { ...own, insert: "" },
    { from: at, to: at, insert },
  ];
}
