import type { Clock, Records } from "@stackyard/core";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { type Claim, Claimed, createObjectClaims, type ObjectClaims } from "../publish/object-claims.ts";

const UploadProgress = Type.Object({
  /** Of the object that the digests are of; null: none was taken. */
  etag: Type.Union([Type.String(), Type.Null()]),
  /** SHA-256 of finished parts, base64: 2,000 of them fit into a record. */
  parts: Type.Array(Type.String()),
  /** Of the digest of the whole, after those parts. */
  state: Type.Union([Type.String(), Type.Null()]),
});
/** What is known of an object so far. */
export type UploadProgress = Static<typeof UploadProgress>;

const compiled = Compile(Type.Object({ ...Claimed, ...UploadProgress.properties }));

/** An upload that is not published yet, held by this process. */
export type UploadEntry = Claim<UploadProgress>;

/** Uploads that must become artifacts. */
export type UploadWork = ObjectClaims<UploadProgress>;

/** Longer than a part takes: a function lives for a quarter of an hour. */
const TAKEN_MS = 15 * 60_000;

/** Kept in records. */
export function createUploadWork(records: Records, clock: Clock): UploadWork {
  const fresh = { etag: null, parts: [], state: null };
  const isClaim = (value: unknown) => compiled.Check(value);
  return createObjectClaims<UploadProgress>(records, clock, { name: "upload", takenMs: TAKEN_MS, fresh, isClaim });
}
