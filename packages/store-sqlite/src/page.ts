import { StackyardError } from "@stackyard/core";

/** The position that a cursor stands for; undefined without one. Throws `USAGE` for text that is none. */
export function parsePosition(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  throw new StackyardError("USAGE", "The cursor is none of this list. Begin again without a cursor.");
}

/** An upper bound of all texts with that beginning; U+10FFFF is no character. */
export function afterPrefix(prefix: string): string {
  return `${prefix}\u{10ffff}`;
}

/** Bytes of a document. A damaged row may hold something other than text. */
export function byteLengthOf(body: unknown): number {
  return typeof body === "string" ? Buffer.byteLength(body) : 0;
}
