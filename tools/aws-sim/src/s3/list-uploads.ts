import { findNumber, findText, type SimCall } from "../sim-call.ts";
import { type Bucket, compareKeys, openBucket } from "./buckets.ts";
import { findUpload } from "./multipart-uploads.ts";

type Buckets = ReadonlyMap<string, Bucket>;

/** "ListParts" and "ListMultipartUploads": at most 1,000 an answer, whatever is asked for. */
const MAX_ROWS = 1_000;

/** ListParts: by number, after `PartNumberMarker`. */
export function listParts(buckets: Buckets, call: SimCall): unknown {
  const { bucket, upload } = findUpload(buckets, call);
  const after = Number(call.input["PartNumberMarker"] ?? 0);
  const following = [...upload.parts.values()]
    .filter(({ partNumber }) => partNumber > after)
    .toSorted((a, b) => a.partNumber - b.partNumber);
  const page = following.slice(0, Math.min(MAX_ROWS, findNumber(call.input, "MaxParts") ?? MAX_ROWS));
  const isTruncated = page.length < following.length;
  return {
    Bucket: bucket.name,
    Key: upload.key,
    UploadId: upload.uploadId,
    IsTruncated: isTruncated,
    Parts: page.map(({ partNumber, size, etag, checksumSha256, modifiedAt }) => ({
      PartNumber: partNumber,
      Size: size,
      ETag: etag,
      LastModified: new Date(modifiedAt),
      ...(checksumSha256 === undefined ? {} : { ChecksumSHA256: checksumSha256 }),
    })),
    ...(isTruncated ? { NextPartNumberMarker: String(page.at(-1)?.partNumber) } : {}),
  };
}

/** ListMultipartUploads: by key, of one key by their beginnings, after `KeyMarker` and `UploadIdMarker`. */
export function listUploads(buckets: Buckets, call: SimCall): unknown {
  const bucket = openBucket(buckets, call);
  const { input } = call;
  const prefix = findText(input, "Prefix") ?? "";
  const all = [...bucket.uploads.values()]
    .filter(({ key }) => key.startsWith(prefix))
    .toSorted((a, b) => compareKeys(a.key, b.key) || a.beganAt - b.beganAt);
  const following = all.slice(toStart(all, findText(input, "KeyMarker"), findText(input, "UploadIdMarker")));
  const page = following.slice(0, Math.min(MAX_ROWS, findNumber(input, "MaxUploads") ?? MAX_ROWS));
  const isTruncated = page.length < following.length;
  const last = page.at(-1);
  return {
    Bucket: bucket.name,
    Prefix: prefix,
    IsTruncated: isTruncated,
    Uploads: page.map(({ key, uploadId, beganAt }) => ({
      Key: key,
      UploadId: uploadId,
      Initiated: new Date(beganAt),
    })),
    ...(isTruncated ? { NextKeyMarker: last?.key, NextUploadIdMarker: last?.uploadId } : {}),
  };
}

function toStart(
  all: readonly { readonly key: string; readonly uploadId: string }[],
  key: string | undefined,
  uploadId: string | undefined,
): number {
  if (key === undefined) return 0;
  const at = all.findIndex((each) => each.key === key && each.uploadId === uploadId);
  if (at !== -1) return at + 1;
  const next = all.findIndex((each) => compareKeys(each.key, key) > 0);
  return next === -1 ? all.length : next;
}
