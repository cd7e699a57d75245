import type { DoorRequest } from "./door-request.ts";

/** Requests of a bucket by what stands in their queries; the first that fits counts. The empty name fits always. */
const BUCKET: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  GET: [
    ["list-type", "ListObjectsV2"],
    ["versions", "ListObjectVersions"],
    ["uploads", "ListMultipartUploads"],
    ["location", "GetBucketLocation"],
  ],
  HEAD: [["", "HeadBucket"]],
  PUT: [],
  POST: [["delete", "DeleteObjects"]],
  DELETE: [["", "DeleteBucket"]],
};

const SETTINGS = [
  ["publicAccessBlock", "PublicAccessBlock"],
  ["ownershipControls", "BucketOwnershipControls"],
  ["versioning", "BucketVersioning"],
  ["policy", "BucketPolicy"],
  ["encryption", "BucketEncryption"],
  ["lifecycle", "BucketLifecycleConfiguration"],
  ["tagging", "BucketTagging"],
  ["notification", "BucketNotificationConfiguration"],
] as const;

const OBJECT: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  GET: [
    ["uploadId", "ListParts"],
    ["", "GetObject"],
  ],
  HEAD: [["", "HeadObject"]],
  PUT: [
    ["partNumber", "UploadPart"],
    ["", "PutObject"],
  ],
  POST: [
    ["uploads", "CreateMultipartUpload"],
    ["uploadId", "CompleteMultipartUpload"],
  ],
  DELETE: [
    ["uploadId", "AbortMultipartUpload"],
    ["", "DeleteObject"],
  ],
};

/** What method and path tell, path style (S3 API reference, request syntax of each operation). */
export function toS3Operation({ method, path }: Pick<DoorRequest, "method" | "path">): string {
  const url = new URL(path, "http://s3");
  const [bucket = "", key = ""] = url.pathname.slice(1).split(/\/(.*)/s);
  const has = ([name]: readonly [string, string]): boolean => name === "" || url.searchParams.has(name);
  if (bucket === "") return `${method} /`;
  if (key !== "") return OBJECT[method]?.find(has)?.[1] ?? `${method} Object`;
  const setting = SETTINGS.find(has)?.[1];
  if (setting !== undefined) return `${method === "PUT" ? "Put" : "Get"}${setting}`;
  return BUCKET[method]?.find(has)?.[1] ?? (method === "PUT" ? "CreateBucket" : `${method} Bucket`);
}
