import { Lexer } from "yaml";
import type { Range } from "../operation.ts";

/** A line of a text, and the comments that belong to it. */
export interface Line {
  readonly from: number;
  /** What it has besides a comment. */
  readonly code: string;
  readonly comment: string;
  /** Comment lines directly above it that begin in its column. */
  readonly above: string;
  readonly column: number;
  /** Before the first key: comments there belong to the document. */
  readonly isHead: boolean;
}

interface Waiting {
  readonly column: number;
  readonly comment: string;
}

/** Returns the lines of a text that are more than a comment. */
export function readLines(text: string, comments: ReadonlyMap<number, string>): readonly Line[] {
  const lines: Line[] = [];
  let waiting: readonly Waiting[] = [];
  let from = 0;
  for (const line of text.split("\n")) {
    const [at, comment = ""] = [...comments].find(([offset]) => offset >= from && offset < from + line.length) ?? [];
    const code = line.slice(0, at === undefined ? line.length : at - from).trim();
    const column = line.search(/\S|$/);
    if (code === "" && comment !== "") waiting = [...waiting, { column, comment }];
    else {
      const isHead = lines.every((before) => before.code === "" || before.code === "---");
      lines.push({ from, code, comment, column, isHead, above: code === "" ? "" : joinAbove(waiting, column, lines) });
      waiting = [];
    }
    from += line.length + 1;
  }
  return lines;
}

/** Under a dash alone, comments belong to the list. */
function joinAbove(waiting: readonly Waiting[], column: number, lines: readonly Line[]): string {
  const before = lines.findLast(({ code }) => code !== "");
  if (before !== undefined && before.column < column && /(?:^|\s)-$/.test(before.code)) return "";
  const others = waiting.findLastIndex((each) => each.column !== column);
  return waiting
    .slice(others + 1)
    .map(({ comment }) => comment)
    .join("\n");
}

/** Returns true if a line is still the same, with its comments. */
export function isSameLine(before: Line, after: Line): boolean {
  if (before.code !== after.code || before.comment !== after.comment) return false;
  if (before.above === after.above) return true;
  return (after.isHead && after.above.endsWith(before.above)) || (before.isHead && before.above.endsWith(after.above));
}

/** Returns the comments of a text by their offsets. */
export function listComments(text: string): ReadonlyMap<number, string> {
  const found = new Map<number, string>();
  let offset = 0;
  for (const lexeme of new Lexer().lex(text)) {
    if (lexeme.startsWith("#")) found.set(offset, lexeme);
    // Signs of the lexer, which the text does not have.
    offset += ["\u0002", "\u0018", "\u001f"].includes(lexeme) ? 0 : lexeme.length;
  }
  return found;
}

/** Returns the whole lines of a range. */
export function lineAt(text: string, { from, to }: Range): Range {
  const end = text.indexOf("\n", to);
  return { from: text.lastIndexOf("\n", from - 1) + 1, to: end === -1 ? text.length : end + 1 };
}

/** Returns the whole lines of a range with the comment lines above them. */
export function withComments(text: string, range: Range): Range {
  let { from, to } = lineAt(text, range);
  while (from > 0) {
    const above = lineAt(text, { from: from - 1, to: from - 1 });
    if (!text.slice(above.from, from).trimStart().startsWith("#")) break;
    from = above.from;
  }
  return { from, to };
}
