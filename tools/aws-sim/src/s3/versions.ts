import { createHash } from "node:crypto";
import type { Bucket, DeleteMarker, StoredObject } from "./buckets.ts";

/** Of all that was written while versions were not kept: each key has one of these at the most (S3 guide, "Version IDs"). */
export const NULL_VERSION = "null";

/**
 * Makes an object the current one of its key. With versioning the older ones stay, each under its id (S3 guide, "How S3
 * Versioning works").
 */
export function keepObject(bucket: Bucket, object: StoredObject): StoredObject {
  const kept = addVersion(bucket, bucket.discards ? { ...object, body: Buffer.alloc(0) } : object);
  bucket.objects.set(kept.key, kept);
  return kept;
}

/** A version of a key; undefined: there is none of that id. */
export function findVersion(
  { versions }: Pick<Bucket, "versions">,
  key: string,
  versionId: string,
): StoredObject | DeleteMarker | undefined {
  return versions.get(toSlot(key, versionId));
}

/** Makes a version the newest of its key, with an id of its own where the bucket keeps versions; else it replaces the one called null. */
export function addVersion<Version extends StoredObject | DeleteMarker>(bucket: Bucket, version: Version): Version {
  const kept = bucket.versioning === "enabled" ? { ...version, versionId: nextVersionId(bucket) } : version;
  removeVersion(bucket, kept.key, kept.versionId);
  bucket.versions.set(toSlot(kept.key, kept.versionId), kept);
  return kept;
}

/** Removes a version for ever. */
export function removeVersion({ versions }: Bucket, key: string, versionId?: string): void {
  versions.delete(toSlot(key, versionId));
}

function toSlot(key: string, versionId = NULL_VERSION): string {
  return `${versionId} ${key}`;
}

/** Opaque, 32 characters. */
function nextVersionId(bucket: Bucket): string {
  bucket.written += 1;
  return createHash("sha256").update(`version ${bucket.written}`).digest("hex").slice(0, 32);
}

/** True for an object, false for a marker that it was deleted. */
export function isObject(version: StoredObject | DeleteMarker): version is StoredObject {
  return "body" in version;
}
