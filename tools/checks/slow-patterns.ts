import ts from "typescript";

/** A pattern of a source whose steps may grow with the square of a text, or faster. */
interface SlowPattern {
  readonly line: number;
  readonly pattern: string;
  readonly why: string;
}

/** An item of a pattern with its quantifier. */
interface Item {
  readonly text: string;
  readonly quantifier: string;
}

/** A line that may have a pattern with a repeat: most files have none, and need not be parsed. */
const CANDIDATE = /\/[^/\n]*[*+}][^\n]*\//;

/** Finds the literal patterns of a source that are slow on some texts. */
export function findSlowPatterns(file: string, text: string): readonly SlowPattern[] {
  const lines = text.split("\n").filter((line) => !/^\s*(?:\/?\*|\/\/)/.test(line));
  if (!lines.some((line) => CANDIDATE.test(line))) return [];
  const kind = file.endsWith("x") ? ts.ScriptKind.TSX : ts.ScriptKind.TS;
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, false, kind);
  const found: SlowPattern[] = [];
  const visit = (node: ts.Node): void => {
    if (node.kind === ts.SyntaxKind.RegularExpressionLiteral) {
      const pattern = node.getText(source);
      const why = findSlowness(pattern);
      const line = source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
      if (why !== undefined) found.push({ line, pattern, why });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** Returns why a literal pattern is slow on some texts; undefined for one in which nothing was found. */
export function findSlowness(literal: string): string | undefined {
  const end = literal.lastIndexOf("/");
  const flags = literal.slice(end + 1);
  const place = { isByLine: flags.includes("m"), isFirst: !flags.includes("y"), rest: [] };
  return findInAlternatives(literal.slice(1, end), place);
}

const NESTED = "a repeat of a group that is itself a repeat tries each way to divide a text";
const LEADING = "a repeat at the beginning, with something after it, is tried again from each place of its run";
const LINES = 'after "^" with the flag m, a repeat that takes line ends is tried again from each line';

/** Where a part of a pattern is. */
interface Place {
  /** True if `^` is the beginning of each line. */
  readonly isByLine: boolean;
  /** True if a match may begin with it, anywhere in the text. */
  readonly isFirst: boolean;
  /** What follows the part. */
  readonly rest: readonly Item[];
}

function findInAlternatives(source: string, place: Place): string | undefined {
  return toAlternatives(source)
    .map((items) => findInItems(items, place))
    .find((why) => why !== undefined);
}

function findInItems(items: readonly Item[], place: Place): string | undefined {
  const atStart = place.isFirst ? findAtStart([...items, ...place.rest], place.isByLine) : undefined;
  if (atStart !== undefined) return atStart;
  if (items.some(isNested)) return NESTED;
  const inner = items.map(({ text }, at) => {
    const body = toBody(text);
    const rest = [...items.slice(at + 1), ...place.rest];
    return body === undefined ? body : findInAlternatives(body, { ...place, isFirst: place.isFirst && at === 0, rest });
  });
  return inner.find((why) => why !== undefined);
}

function findAtStart([first, ...rest]: readonly Item[], isByLine: boolean): string | undefined {
  if (first === undefined) return undefined;
  const [second] = rest;
  if (first.text === "^") {
    return isByLine && second !== undefined && isEndless(second) && takes(second, "\n") ? LINES : undefined;
  }
  return isEndless(first) && rest.some(isRequired) ? LEADING : undefined;
}

/** Returns true for a repeat whose group may be one repeat and nothing else. */
function isNested(item: Item): boolean {
  const body = toBody(item.text);
  if (body === undefined || !isEndless(item)) return false;
  return toAlternatives(body).some((items) => {
    return items.some((each) => isEndless(each) && !items.some((other) => other !== each && isRequired(other)));
  });
}

function isEndless({ quantifier }: Item): boolean {
  return /^(?:[*+]|\{\d+,\})/.test(quantifier);
}

function isRequired({ text, quantifier }: Item): boolean {
  if (/^(?:[*?]|\{0,)/.test(quantifier)) return false;
  const body = toBody(text);
  return body === undefined || toAlternatives(body).every((items) => items.some(isRequired));
}

function takes({ text }: Item, character: string): boolean {
  return new RegExp(`^(?:${text})$`, "u").test(character);
}

/** Returns what is in a group; undefined for other items. */
function toBody(text: string): string | undefined {
  return /^\((?:\?(?:[:=!]|<[=!]|<\w+>))?([\s\S]*)\)$/.exec(text)?.[1];
}

function toAlternatives(source: string): readonly (readonly Item[])[] {
  const alternatives: Item[][] = [[]];
  let at = 0;
  while (at < source.length) {
    const text = source.slice(at, findItemEnd(source, at));
    at += text.length;
    if (text === "|") {
      alternatives.push([]);
      continue;
    }
    const quantifier = /^(?:[*+?]|\{\d+(?:,\d*)?\})\??/.exec(source.slice(at))?.[0] ?? "";
    at += quantifier.length;
    alternatives.at(-1)?.push({ text, quantifier });
  }
  return alternatives;
}

/** Returns where the item ends: an escape, a class, a group, or one character. */
function findItemEnd(source: string, start: number): number {
  const character = source[start];
  if (character === "\\")
    return (
      start +
      (/^\\(?:[pPu]\{[^}]*\}|k<\w+>|u[\da-fA-F]{4}|x[\da-fA-F]{2}|.)/.exec(source.slice(start))?.[0].length ?? 2)
    );
  if (character === "[") return findClassEnd(source, start);
  if (character !== "(") return start + 1;
  for (let at = start + 1; at < source.length; at = findItemEnd(source, at)) if (source[at] === ")") return at + 1;
  return source.length;
}

function findClassEnd(source: string, start: number): number {
  for (let at = start + 1; at < source.length; at += source[at] === "\\" ? 2 : 1) if (source[at] === "]") return at + 1;
  return source.length;
}
