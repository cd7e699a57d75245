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
  for (const value of values) {
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
