import { StackyardError } from "@stackyard/core";
import { checkRecordKey } from "@stackyard/core/engine";
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
/** S3 guide, "Naming Amazon S3 objects": of UTF-8, the prefix included. */
const MAX_OBJECT_KEY_BYTES = 1_024;
// S3 lists keys in XML, which cannot contain these.
const UNUSABLE = /[\uFFFE\uFFFF]/;

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

/** Returns the object's key. Throws `USAGE` for a key that no record in S3 may have. */
export function toObjectKey(prefix: string, key: string): string {
  checkRecordKey(key);
  if (UNUSABLE.test(key) || !key.isWellFormed()) {
    throw new StackyardError("USAGE", "A record's key in S3 has only characters that XML can contain.");
  }
  const objectKey = prefix + key;
  if (Buffer.byteLength(objectKey) <= MAX_OBJECT_KEY_BYTES) return objectKey;
  const why = `A record's key in S3 has at most ${MAX_OBJECT_KEY_BYTES} bytes with its prefix; "${key.slice(0, 40)}…" has more.`;
  throw new StackyardError("USAGE", why);
}
