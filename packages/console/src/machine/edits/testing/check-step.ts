import { type Document, isCollection, isNode, isScalar, isSeq } from "yaml";
import type { Path, Range } from "../operation.ts";
import type { Step } from "../step.ts";
import { isSameLine, lineAt, listComments, readLines, withComments } from "./lines.ts";
import { changeNodes, findPair, nodeAt, parse, toOrdered } from "./nodes.ts";

/**
 * Returns what is wrong with a text that a step has changed: its value, a byte outside of what the step concerns, a lost
 * comment, or a comment that another line has now. Knows the places from the YAML library alone.
 */
export function findStepFault(text: string, step: Step, edited: string): string | undefined {
  const before = parse(text);
  const after = parse(edited);
  if (after.errors.length > 0) return `The edited text does not parse: ${after.errors[0]?.message}`;
  const place = findPlace(before, text, step);
  const fault = findForeignByte(text, edited, place) ?? findLineFault(text, edited, place);
  if (fault !== undefined) return fault;
  changeNodes(before, step);
  return toOrdered(before) === toOrdered(after) ? undefined : "The value is another one than wanted.";
}

/** What a step may change. */
interface Place {
  /** Bytes before and behind it stay. */
  readonly range: Range;
  /** Lines and comments on these may be others than before. */
  readonly lines: Range;
  /** What the new text has more, or less. */
  readonly change: "any" | "insertion" | "deletion" | "order";
  /** Comments that may be lost. */
  readonly losable?: Range;
}

const NOTHING: Range = { from: 0, to: 0 };

interface Span extends Range {
  /** Where the value begins: behind the colon, an anchor or a tag. */
  readonly value: number;
}

/** Returns where a value is written, with its key, to its last character. */
function spanOf(document: Document, text: string, path: Path): Span {
  if (path.length === 0) return { from: 0, value: 0, to: text.length };
  const pair = findPair(nodeAt(document, path.slice(0, -1)), path.at(-1));
  const [start, end] = nodeAt(document, path)?.range ?? [];
  const [keyStart, keyEnd] = (isNode(pair?.key) ? pair.key.range : undefined) ?? [];
  const marks = (pair?.srcToken?.sep ?? []).filter(({ type }) => ["map-value-ind", "anchor", "tag"].includes(type));
  const value = Math.max(keyEnd ?? start ?? 0, ...marks.map(({ offset, source }) => offset + source.length));
  const to = value + text.slice(value, end ?? value).trimEnd().length;
  return { from: keyStart ?? start ?? value, value, to };
}

function findPlace(document: Document, text: string, step: Step): Place {
  switch (step.kind) {
    case "rename-key": {
      const key = findPair(nodeAt(document, step.path.slice(0, -1)), step.path.at(-1))?.key;
      const [from, to] = (isNode(key) ? key.range : undefined) ?? [0, 0];
      return { range: { from, to }, lines: lineAt(text, { from, to }), change: "any" };
    }
    case "set":
      return placeOfValue(document, text, step.path);
    case "insert-entry":
    case "insert-item":
      return placeOfInsertion(findCollection(document, text, step.path));
    case "move": {
      const { whole, form } = findCollection(document, text, step.path.slice(0, -1));
      return form === "block" ? { ...whole, lines: NOTHING, change: "order" } : whole;
    }
    case "remove":
      return placeOfRemoval(document, text, step.path);
    default:
      return findCollection(document, text, step.path).whole;
  }
}

function placeOfValue(document: Document, text: string, path: Path): Place {
  const { whole } = findCollection(document, text, path);
  const node = nodeAt(document, path);
  const [from, to] = (isScalar(node) ? node.range : undefined) ?? [0, 0];
  const isBlock = text[to - 1] === "\n";
  const end = isBlock ? whole.range.to : spanOf(document, text, path).to;
  return from === to ? whole : { ...whole, range: { from, to: end } };
}

interface Collection {
  readonly form: "block" | "flow" | "none";
  readonly count: number;
  readonly isList: boolean;
  readonly whole: Place;
}

function findCollection(document: Document, text: string, path: Path): Collection {
  const node = nodeAt(document, path);
  const span = spanOf(document, text, path);
  const lines = lineAt(text, span);
  const count = isCollection(node) ? node.items.length : 0;
  const form = isCollection(node) && count > 0 ? (node.flow ? "flow" : "block") : "none";
  return {
    form,
    count,
    isList: isSeq(node),
    whole: { range: { from: span.value, to: lines.to }, lines, change: "any" },
  };
}

function placeOfInsertion({ form, whole }: Collection): Place {
  if (form === "none") return whole;
  return { ...whole, lines: form === "block" ? NOTHING : whole.lines, change: "insertion" };
}

function placeOfRemoval(document: Document, text: string, path: Path): Place {
  const { whole, form, count, isList } = findCollection(document, text, path.slice(0, -1));
  const own = spanOf(document, text, path);
  const losable = withComments(text, own);
  if (count === 1) return { ...whole, losable };
  const isAlone = form === "block" && isFirst(text, own.from, isList);
  return { ...whole, lines: isAlone ? losable : whole.lines, change: "deletion", losable };
}

/** Returns true if a member begins its line: with its key, or with its dash. */
function isFirst(text: string, offset: number, isItem: boolean): boolean {
  const before = text.slice(lineAt(text, { from: offset, to: offset }).from, offset).trim();
  return (isItem ? /^-\s*(?:[!&]\S*\s*)*$/ : /^(?:[!&]\S*\s*)*$/).test(before);
}

function findForeignByte(text: string, edited: string, { range, change }: Place): string | undefined {
  const start = commonLength(text, edited, (from, at) => from[at]);
  const end = commonLength(text, edited, (from, at) => from.at(-1 - at));
  if (start < Math.min(range.from, text.length)) return `The text before ${range.from} has changed, at ${start}.`;
  if (end < text.length - range.to) return `The text behind ${range.to} has changed.`;
  if (change === "insertion" && start + end < text.length) return "More than an insertion.";
  if (change === "deletion" && start + end < edited.length) return "More than a deletion.";
  const [own, now] = [lineEndsOf(text), lineEndsOf(edited)];
  if (own !== "mixed" && own !== "none" && own !== now) return "A line end of another kind.";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: YAML forbids these as they are
  return /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/.test(edited) ? "A control character." : undefined;
}

function commonLength(a: string, b: string, pick: (text: string, at: number) => string | undefined): number {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && pick(a, length) === pick(b, length)) length += 1;
  return length;
}

function lineEndsOf(text: string): "none" | "mixed" | "unix" | "windows" {
  const [all, windows] = [text.split("\n").length - 1, text.split("\r\n").length - 1];
  if (all === 0) return "none";
  return windows === 0 ? "unix" : windows === all ? "windows" : "mixed";
}

/** Checks that each line outside of the place is still there, with its comments, and that no comment is lost. */
function findLineFault(text: string, edited: string, place: Place): string | undefined {
  const { lines, change, losable = NOTHING } = place;
  const [comments, present] = [listComments(text), listComments(edited)];
  const before = readLines(text, comments);
  const after = readLines(edited, present);
  const isOutside = ({ from }: { from: number }) => from < lines.from || from >= lines.to;
  const { lost: lostOutside, left } = match(before.filter(isOutside), after, isSameLine);
  const lost = lostOutside.find(({ code }) => code !== "");
  if (lost !== undefined) return `Lost, or with other comments: ${lost.code}`;
  const fresh = left.find(({ code, comment }) => code !== "" || comment !== "");
  if (change === "order" && fresh !== undefined) return `A new line: ${fresh.code}`;
  const { lost: gone } = match([...comments], [...present], ([, a], [, b]) => a === b);
  const missed = gone.find(([offset]) => offset < losable.from || offset >= losable.to);
  return missed && `Lost: ${missed[1]}`;
}

/** Pairs each member of a list with an equal one of another; returns what is left of both. */
function match<Member>(
  before: readonly Member[],
  after: readonly Member[],
  isEqual: (before: Member, after: Member) => boolean,
): { readonly lost: readonly Member[]; readonly left: readonly Member[] } {
  const left = [...after];
  const lost = before.filter((member) => {
    const index = left.findIndex((each) => isEqual(member, each));
    if (index !== -1) left.splice(index, 1);
    return index === -1;
  });
  return { lost, left };
}
