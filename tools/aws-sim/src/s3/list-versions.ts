import { findNumber, findText, type SimCall } from "../sim-call.ts";
import { type Bucket, compareKeys, type DeleteMarker, openBucket, type StoredObject } from "./buckets.ts";
import { isObject, NULL_VERSION } from "./versions.ts";

/** "ListObjectVersions": at most 1,000 an answer. */
const MAX_KEYS = 1_000;

/**
 * ListObjectVersions: by key, of each key the newest first. What was written while versions were not kept has the version id
 * `null` (S3 guide, "How S3 Versioning works").
 */
export function listVersions(buckets: ReadonlyMap<string, Bucket>, call: SimCall): unknown {
  const bucket = openBucket(buckets, call);
  const { input } = call;
  const prefix = findText(input, "Prefix") ?? "";
  const all = toRows(bucket).filter(({ Key }) => Key.startsWith(prefix));
  const following = all.slice(toStart(all, findText(input, "KeyMarker"), findText(input, "VersionIdMarker")));
  const page = following.slice(0, Math.min(MAX_KEYS, findNumber(input, "MaxKeys") ?? MAX_KEYS));
  const isTruncated = page.length < following.length;
  const last = page.at(-1);
  return {
    Name: bucket.name,
    Prefix: prefix,
    IsTruncated: isTruncated,
    MaxKeys: MAX_KEYS,
    Versions: page.filter((row) => "Size" in row),
    DeleteMarkers: page.filter((row) => !("Size" in row)),
    ...(isTruncated ? { NextKeyMarker: last?.Key, NextVersionIdMarker: last?.VersionId } : {}),
  };
}

interface Row {
  readonly Key: string;
  readonly VersionId: string;
  readonly LastModified: Date;
  readonly Size?: number;
  readonly ETag?: string;
  readonly StorageClass?: "STANDARD";
}

function toRows({ versions }: Bucket): readonly Row[] {
  const seen = new Set<string>();
  return [...versions.values()]
    .toReversed()
    .map((version) => {
      const IsLatest = !seen.has(version.key);
      seen.add(version.key);
      return { ...toRow(version), IsLatest };
    })
    .toSorted((a, b) => compareKeys(a.Key, b.Key));
}

function toRow(version: StoredObject | DeleteMarker): Row {
  const { key, versionId = NULL_VERSION, modifiedAt } = version;
  const row = { Key: key, VersionId: versionId, LastModified: new Date(modifiedAt) };
  return isObject(version) ? { ...row, Size: version.size, ETag: version.etag, StorageClass: "STANDARD" } : row;
}

function toStart(rows: readonly Row[], key: string | undefined, versionId: string | undefined): number {
  if (key === undefined) return 0;
  const at = rows.findIndex((row) => row.Key === key && row.VersionId === versionId);
  if (at !== -1) return at + 1;
  const next = rows.findIndex((row) => compareKeys(row.Key, key) > 0);
  return next === -1 ? rows.length : next;
}
