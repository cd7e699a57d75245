import { CST } from "yaml";
import { nextLine } from "./layout.ts";
import { lineEndAt, lineEndBefore } from "./line-ends.ts";
import type { Change, Range } from "./operation.ts";
import type { Item, Source } from "./source.ts";

/** A text that is written as a block of lines. */
export interface BlockScalar {
  readonly type: "BLOCK_LITERAL" | "BLOCK_FOLDED";
  /** The range of its sign, such as `|-`. A comment may follow. */
  readonly header: Range;
  /** The range of its lines, without empty ones behind them. */
  readonly body: Range;
  /** The column of its lines. */
  readonly column: number;
}

/** Returns the parts of a text in a block of lines; undefined for any other value. */
export function toBlockScalar({ kind, node, range }: Item): BlockScalar | undefined {
  const token = node?.srcToken;
  if (kind !== "scalar" || token?.type !== "block-scalar") return undefined;
  const header = token.props.find((prop): prop is CST.SourceToken => prop.type === "block-scalar-header");
  if (header === undefined) return undefined;
  const { source } = token;
  const { length } = source.trimEnd();
  const from = range.to - source.length;
  return {
    type: header.source.startsWith(">") ? "BLOCK_FOLDED" : "BLOCK_LITERAL",
    header: { from: header.offset, to: header.offset + header.source.length },
    body: { from, to: from + (length === 0 ? 0 : nextLine(source, length)) },
    column: /^ *(?=\S)/m.exec(source)?.[0].length ?? 0,
  };
}

/** Replaces a block of lines by text in the place of its sign, and lines below. A comment behind the sign stays. */
export function replaceBlockScalar(
  { text }: Source,
  { header, body }: Pick<BlockScalar, "header" | "body">,
  { head, lines }: { readonly head: string; readonly lines: readonly string[] },
): readonly Change[] {
  const eol = lineEndAt(text, header.from);
  const isOpen = body.to === text.length && !text.endsWith("\n");
  const first = { ...header, insert: head };
  if (!isOpen) return [first, { ...body, insert: lines.map((line) => line + eol).join("") }];
  const from = text[body.from - 1] === "\n" ? lineEndBefore(text, body.from) : body.from;
  return [first, { from, to: body.to, insert: lines.map((line) => eol + line).join("") }];
}

/** Writes another text into a block of lines; undefined where a block in its column cannot contain it. */
export function setBlockScalar(source: Source, block: BlockScalar, value: string): readonly Change[] | undefined {
  if (block.column === 0 || !/^\S.*\n/.test(value)) return undefined;
  const token = CST.createScalarToken(value, { type: block.type, indent: block.column, end: [] });
  const head = token.type === "block-scalar" ? CST.stringify({ ...token, source: "" }).trimEnd() : "+";
  // With "+" the empty lines behind the block would be a part of the text.
  if (token.type !== "block-scalar" || head.endsWith("+")) return undefined;
  return replaceBlockScalar(source, block, { head, lines: token.source.slice(0, -1).split("\n") });
}
