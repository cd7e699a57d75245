import { createHash } from "node:crypto";
import type { SimCall } from "../sim-call.ts";
import { s3Faults } from "./s3-faults.ts";

/** An object as it lies there. */
export interface StoredObject {
  readonly key: string;
  /** Its bytes; empty where they are made when somebody reads (`generated`) or were not kept (`discards`). */
  readonly body: Buffer;
  readonly size: number;
  readonly generated?: GeneratedContent;
  /** In quotes, as S3 sends it. */
  readonly etag: string;
  readonly modifiedAt: number;
  readonly contentType: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  /** Undefined: it was written while versions were not kept, and is the one called `null`. */
  readonly versionId?: string;
  /** Base64, as it was sent with the object; of parts it is a digest of digests, with their number. */
  readonly checksumSha256?: string;
  readonly encryption: Encryption;
}

/** Bytes that are made when they are read, so that objects of any size take no room. */
export interface GeneratedContent {
  readonly size: number;
  /** The bytes from `from` up to, not including, `end`: the same ones each time. */
  read(from: number, end: number): Iterable<Uint8Array>;
}

/** What stands in the place of a deleted object (S3 guide, "Working with delete markers"). */
export interface DeleteMarker {
  readonly key: string;
  /** As of an object. */
  readonly versionId?: string;
  readonly modifiedAt: number;
}

/** How an object lies there encrypted: in the headers' names of the SDK. */
export interface Encryption {
  readonly ServerSideEncryption: string;
  /** An ARN, an id or an alias of a key, as it was sent. */
  readonly SSEKMSKeyId?: string;
}

/** S3 guide, "Protecting data with server-side encryption": all new objects are encrypted with SSE-S3 at least. */
export const SSE_S3: Encryption = { ServerSideEncryption: "AES256" };

/** A bucket; S3 is strongly consistent, so one map is all (S3 guide, "Amazon S3 data consistency model"). */
export interface Bucket {
  readonly name: string;
  readonly account: string;
  readonly region: string;
  readonly createdAt: number;
  /** Other accounts that its policy lets in. */
  readonly sharedWith: readonly string[];
  readonly objects: Map<string, StoredObject>;
  /** All versions of all objects and the markers between them, the oldest first; see `findVersion`. */
  readonly versions: Map<string, StoredObject | DeleteMarker>;
  readonly uploads: Map<string, MultipartUpload>;
  /** What was put as its settings, by their names in the API. */
  readonly settings: Map<string, unknown>;
  /** Counts bytes and hashes them, and keeps none. */
  readonly discards: boolean;
  /** Once it was enabled it can only be suspended (S3 guide, "How S3 Versioning works"). */
  versioning: "never" | "enabled" | "suspended";
  /** Tells the default bus of what is written (`EventBridgeConfiguration`). */
  notifies: boolean;
  /** How many versions there have been. */
  written: number;
}

/** A multipart upload that is neither completed nor aborted. */
export interface MultipartUpload {
  readonly uploadId: string;
  readonly key: string;
  readonly beganAt: number;
  readonly contentType: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly encryption: Encryption;
  readonly checksumAlgorithm: string | undefined;
  readonly parts: Map<number, UploadedPart>;
}

/** One part as it lies there. */
export interface UploadedPart {
  readonly partNumber: number;
  readonly body: Buffer;
  readonly size: number;
  /** In quotes. */
  readonly etag: string;
  readonly checksumSha256: string | undefined;
  readonly modifiedAt: number;
}

/**
 * The MD5 of the content, as for any object that was put in one part, unless it is encrypted with a KMS key: then it is
 * something else (API reference, "Object", ETag).
 */
export function toEtag(body: Buffer, { SSEKMSKeyId, ServerSideEncryption } = SSE_S3): string {
  const secret = ServerSideEncryption === "AES256" ? "" : `${ServerSideEncryption} ${SSEKMSKeyId}`;
  return `"${createHash("md5").update(secret).update(body).digest("hex")}"`;
}

/** The bucket, if the caller may see it, in the region where it is. */
export function openBucket(buckets: ReadonlyMap<string, Bucket>, { input, identity, region }: SimCall): Bucket {
  const name = String(input["Bucket"]);
  const bucket = buckets.get(name);
  if (bucket === undefined) throw s3Faults.noSuchBucket(name);
  if (bucket.account !== identity.account && !bucket.sharedWith.includes(identity.account)) {
    throw s3Faults.denied(identity.arn, "s3");
  }
  // S3 guide, "Verifying bucket ownership with bucket owner condition".
  const owner = input["ExpectedBucketOwner"];
  if (owner !== undefined && owner !== bucket.account) throw s3Faults.denied(identity.arn, "s3");
  if (bucket.region !== region) throw s3Faults.wrongRegion(bucket.region);
  return bucket;
}

/** Bytes of UTF-8 in order, which is how S3 lists (API reference, "ListObjectsV2"; general purpose buckets). */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** A bucket with nothing in it. */
export function createEmptyBucket(at: Pick<Bucket, "name" | "account" | "region" | "createdAt">): Bucket {
  return {
    ...at,
    sharedWith: [],
    objects: new Map(),
    versions: new Map(),
    uploads: new Map(),
    settings: new Map(),
    discards: false,
    versioning: "never",
    notifies: false,
    written: 0,
  };
}
