import { StackyardError } from "../../errors/stackyard-error.ts";
import type { Place } from "./tree.ts";

/**
 * Returns the place of the first bytes of a file that are not UTF-8, and what to do, from the text that was decoded from it: decoders
 * replace such bytes by U+FFFD. A document that means this character writes it as an escape. Undefined for every other text.
 */
export function findNotUtf8(text: string): { readonly at: Place; readonly message: string } | undefined {
  // The mark of the order of bytes, or, in text of mostly ASCII, every other byte.
  const isUtf16 = /^\uFFFD\uFFFD|^.?\0/s.test(text);
  const offset = isUtf16 ? 0 : text.indexOf("\uFFFD");
  if (offset < 0) return undefined;
  const before = text.slice(0, offset).split("\n");
  const at = { line: before.length, column: (before.at(-1) ?? "").length + 1 };
  const why = isUtf16 ? "The file is UTF-16." : "The file is not UTF-8: a byte here is of another encoding.";
  return { at, message: `${why} Save it as UTF-8.` };
}

/** Returns the text of a file. Throws `CONFIG_INVALID` with the place of what is not UTF-8. */
export function requireUtf8(text: string, file: string): string {
  const foreign = findNotUtf8(text);
  if (foreign === undefined) return text;
  const { at, message } = foreign;
  throw new StackyardError("CONFIG_INVALID", `${file}:${at.line}:${at.column}: ${message}`);
}
