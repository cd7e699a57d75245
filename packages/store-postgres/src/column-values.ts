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
const REPLACEMENT = `${ESCAPE}#`;

/**
 * Returns the text used for comparisons: its `toKeyText`, or a unique replacement if that is too long for an index.
 */
export function toComparedText(text: string): string {
  const key = toKeyText(text);
  if (key.length <= MAX_BYTES / 3 || Buffer.byteLength(key) <= MAX_BYTES) return key;
  return `${REPLACEMENT}${createHash("sha256").update(key).digest("hex")}`;
}

/** Returns true for the replacement of a text that is too long: the text cannot be read from it. */
export function isReplacement(key: string): boolean {
  return key.startsWith(REPLACEMENT);
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

/** Types of the server's catalogue. */
const OID = { text: 25, int8: 20, bool: 16 } as const;
const HEAD_BYTES = 20;

// Lists as the server takes them in binary form: a head, then each element behind its length, -1 for null. That needs
// no escaping here and no parsing there, which text of JSON within JSON or within an array's literal does.

/** Encodes a list of texts as a parameter. */
export function toTextArray(values: readonly (string | null)[]): Buffer {
  let bytes = HEAD_BYTES + 4 * values.length;
  for (const value of values) bytes += value === null ? 0 : Buffer.byteLength(value);
  const array = begin(OID.text, values.length, bytes);
  let at = HEAD_BYTES;
  for (const value of values) {
    const length = value === null ? -1 : array.write(value, at + 4);
    array.writeInt32BE(length, at);
    at += 4 + Math.max(0, length);
  }
  return array;
}

/** Encodes a list of whole numbers as a parameter. */
export function toNumberArray(values: readonly (number | null)[]): Buffer {
  const array = begin(OID.int8, values.length, HEAD_BYTES + 12 * values.length);
  let at = HEAD_BYTES;
  // An iterator makes an object for each value.
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index] ?? null;
    array.writeInt32BE(value === null ? -1 : 8, at);
    at += 4;
    if (value === null) continue;
    array.writeInt32BE(Math.floor(value / 2 ** 32), at);
    array.writeUInt32BE(value >>> 0, at + 4);
    at += 8;
  }
  return array.subarray(0, at);
}

/** Encodes a list of booleans as a parameter. */
export function toBooleanArray(values: readonly boolean[]): Buffer {
  const array = begin(OID.bool, values.length, HEAD_BYTES + 5 * values.length);
  for (const [index, value] of values.entries()) {
    array.writeInt32BE(1, HEAD_BYTES + 5 * index);
    array[HEAD_BYTES + 5 * index + 4] = value ? 1 : 0;
  }
  return array;
}

function begin(oid: number, count: number, bytes: number): Buffer {
  const array = Buffer.allocUnsafe(bytes);
  array.writeInt32BE(1, 0);
  // It may have nulls.
  array.writeInt32BE(1, 4);
  array.writeInt32BE(oid, 8);
  array.writeInt32BE(count, 12);
  array.writeInt32BE(1, 16);
  return array;
}
