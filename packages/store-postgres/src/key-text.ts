import { createHash } from "node:crypto";

const ESCAPE = "\uFFFE";
const UNSTORABLE = /[\0\uFFFE\uD800-\uDFFF]/gu;
const ESCAPED = /\uFFFE([0-9a-f]{4})/g;

/**
 * Returns a text in a form that PostgreSQL can store in a key column: it refuses U+0000, and would replace an unpaired
 * surrogate by another character. Such rare characters are escaped.
 */
export function toKeyText(text: string): string {
  return text.isWellFormed() && !text.includes("\0") && !text.includes(ESCAPE)
    ? text
    : text.replace(UNSTORABLE, (unit) => ESCAPE + unit.charCodeAt(0).toString(16).padStart(4, "0"));
}

/** Returns the argument of `toKeyText`. */
export function fromKeyText(text: string): string {
  return text.includes(ESCAPE)
    ? text.replace(ESCAPED, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    : text;
}

/** An index entry of PostgreSQL is limited to about 2,700 bytes, and one entry may contain two texts. */
const MAX_BYTES = 800;

/**
 * Returns the text used for comparisons: its `toKeyText`, or a unique replacement if that is too long for an index.
 */
export function toComparedText(text: string): string {
  const key = toKeyText(text);
  if (key.length <= MAX_BYTES / 3 || Buffer.byteLength(key) <= MAX_BYTES) return key;
  return `${ESCAPE}#${createHash("sha256").update(key).digest("hex")}`;
}

/** Returns the `toKeyText` of a text that is compared by a replacement, or null if it is compared directly. */
export function toLongText(text: string): string | null {
  const key = toKeyText(text);
  return key === toComparedText(text) ? null : key;
}

/**
 * Returns the key by which an attempt is found: its id up to the first slash. Ids of the engine begin with the name of
 * the stack.
 */
export function toHome(attemptId: string): string {
  return toComparedText(attemptId.split("/", 1)[0] ?? "");
}

/** Returns the columns by which an attempt is found. */
export function toPlace(attemptId: string): { readonly home: string; readonly id: string } {
  return { home: toHome(attemptId), id: toComparedText(attemptId) };
}
