import { StackyardError } from "@stackyard/core";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";

/** A record as an object of S3 holds it. */
export const RecordDocument = Type.Object({
  version: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  /** Of one write: who reads it after a lost answer knows whether the write was its own. */
  writer: Type.String({ minLength: 1, maxLength: 64 }),
  /** Absent in what a removal leaves. */
  value: Type.Optional(Type.Unknown()),
  expiresAt: Type.Optional(Type.Number()),
  removedAt: Type.Optional(Type.Number()),
});
export type RecordDocument = Static<typeof RecordDocument>;

const document = Compile(RecordDocument);
const MAX_BYTES = 256 * 1024;
const MAX_KEY_LENGTH = 512;
/** S3 guide, "Naming Amazon S3 objects": of UTF-8, the prefix included. */
const MAX_OBJECT_KEY_BYTES = 1_024;
// S3 tells keys in XML, which cannot hold the last two.
const UNUSABLE = /[\p{Cc}\uFFFE\uFFFF]/u;

/** Reads what an object holds. Throws `STORE_CORRUPT` for what is no record. */
export function parseRecordDocument(text: string, address: string): RecordDocument {
  const value = parseJson(text);
  if (document.Check(value)) return value;
  throw new StackyardError("STORE_CORRUPT", `${address} is no record. Nothing but records may lie under their prefix.`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The JSON of a value. Throws `USAGE` for what is none and `PAYLOAD_TOO_LARGE` above 256 KiB. */
export function toValueText(key: string, value: unknown): string {
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) throw new StackyardError("USAGE", `The value of the record "${key}" is not JSON.`);
  if (Buffer.byteLength(text) <= MAX_BYTES) return text;
  const why = `The record "${key}" has more than ${MAX_BYTES} bytes. Keep a reference instead.`;
  throw new StackyardError("PAYLOAD_TOO_LARGE", why);
}

/** The object's key. Throws `USAGE` for a key that no record can have. */
export function toObjectKey(prefix: string, key: string): string {
  if (key.length === 0 || key.length > MAX_KEY_LENGTH || UNUSABLE.test(key) || !key.isWellFormed()) {
    const why = `A record's key has 1 to ${MAX_KEY_LENGTH} characters, none of them control characters.`;
    throw new StackyardError("USAGE", why);
  }
  const objectKey = prefix + key;
  if (Buffer.byteLength(objectKey) <= MAX_OBJECT_KEY_BYTES) return objectKey;
  const why = `A record's key in S3 has at most ${MAX_OBJECT_KEY_BYTES} bytes with its prefix; "${key.slice(0, 40)}…" has more.`;
  throw new StackyardError("USAGE", why);
}
