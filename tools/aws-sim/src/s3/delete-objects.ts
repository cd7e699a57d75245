import { findText, type SimCall, textOf } from "../sim-call.ts";
import { type Bucket, type DeleteMarker, openBucket } from "./buckets.ts";
import { s3Faults } from "./s3-faults.ts";
import { addVersion, findVersion, isObject, NULL_VERSION, removeVersion } from "./versions.ts";

type Buckets = ReadonlyMap<string, Bucket>;

/** "DeleteObjects": up to 1,000 keys. */
const MAX_KEYS = 1_000;

/** DeleteObject: what is not there is deleted too, unless `If-Match` asks for it (S3 guide, "conditional deletes"). */
export function deleteObject(buckets: Buckets, call: SimCall): unknown {
  const bucket = openBucket(buckets, call);
  const key = textOf(call.input, "Key");
  const ifMatch = findText(call.input, "IfMatch");
  const current = bucket.objects.get(key);
  if (ifMatch !== undefined && current === undefined) throw s3Faults.noSuchKey(key);
  if (ifMatch !== undefined && ifMatch !== "*" && ifMatch !== current?.etag) {
    throw s3Faults.preconditionFailed("If-Match");
  }
  return deleteOne(bucket, { key, versionId: findText(call.input, "VersionId"), now: call.now });
}

/** DeleteObjects: each key by itself; `Quiet` tells of errors only. */
export function deleteObjects(buckets: Buckets, call: SimCall): unknown {
  const bucket = openBucket(buckets, call);
  const { Objects: asked, Quiet: quiet } = Object(call.input["Delete"]);
  const objects: readonly unknown[] = Array.isArray(asked) ? asked : [];
  if (objects.length === 0 || objects.length > MAX_KEYS) throw s3Faults.malformedXml();
  const deleted = objects.map((each) => {
    const { Key: key, VersionId: versionId } = Object(each);
    const { DeleteMarker, VersionId } = deleteOne(bucket, { key: String(key), versionId, now: call.now });
    const marked = DeleteMarker === undefined ? {} : { DeleteMarker, DeleteMarkerVersionId: VersionId };
    return { Key: key, ...(versionId === undefined ? {} : { VersionId: versionId }), ...marked };
  });
  return quiet === true ? {} : { Deleted: deleted };
}

interface Deletion {
  readonly key: string;
  readonly versionId: string | undefined;
  readonly now: number;
}

/**
 * With versioning a delete only adds a marker and older versions stay; with an id it removes that version for ever, and what
 * is then the newest one stands (S3 guide, "Deleting object versions" and "Working with delete markers").
 */
export function deleteOne(
  bucket: Bucket,
  { key, versionId, now }: Deletion,
): { DeleteMarker?: boolean; VersionId?: string } {
  const { objects, versions } = bucket;
  if (versionId === undefined) return hide(bucket, key, now);
  const version = findVersion(bucket, key, versionId);
  removeVersion(bucket, key, versionId);
  const newest = [...versions.values()].findLast((each) => each.key === key);
  if (newest !== undefined && isObject(newest)) objects.set(key, newest);
  else objects.delete(key);
  const wasMarker = version !== undefined && !isObject(version);
  return { VersionId: versionId, ...(wasMarker ? { DeleteMarker: true } : {}) };
}

/** A bucket that has never kept versions keeps no marker either. */
function hide(bucket: Bucket, key: string, now: number): { DeleteMarker?: boolean; VersionId?: string } {
  bucket.objects.delete(key);
  if (bucket.versioning === "never") {
    removeVersion(bucket, key);
    return {};
  }
  const { versionId = NULL_VERSION } = addVersion<DeleteMarker>(bucket, { key, modifiedAt: now });
  return { DeleteMarker: true, VersionId: versionId };
}
