import { createHash } from "node:crypto";
import type { SimCall } from "../sim-call.ts";
import { s3Faults } from "./s3-faults.ts";

/** An object as it lies there. */
export interface StoredObject {
  readonly key: string;
  readonly body: Buffer;
  /** In quotes, as S3 sends it. */
  readonly etag: string;
  readonly modifiedAt: number;
  readonly contentType: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  /** In buckets with versioning. */
  readonly versionId?: string;
  /** Base64, as it was sent with the object. */
  readonly checksumSha256?: string;
  readonly encryption: Encryption;
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
  /** Other accounts that its policy lets in. */
  readonly sharedWith: readonly string[];
  readonly objects: Map<string, StoredObject>;
  /** All versions of all objects by version id; undefined: the bucket has no versioning. */
  readonly versions: Map<string, StoredObject> | undefined;
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
  if (bucket.region !== region) throw s3Faults.wrongRegion(bucket.region);
  return bucket;
}

/** Bytes of UTF-8 in order, which is how S3 lists (API reference, "ListObjectsV2"; general purpose buckets). */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/**
 * Makes an object the current one of its key. With versioning the older ones stay, each under its id (S3 guide, "How S3
 * Versioning works").
 */
export function keepObject({ objects, versions }: Bucket, object: StoredObject): StoredObject {
  const kept = versions === undefined ? object : { ...object, versionId: toVersionId(versions.size) };
  if (kept.versionId !== undefined) versions?.set(kept.versionId, kept);
  objects.set(kept.key, kept);
  return kept;
}

/** Opaque, 32 characters. */
function toVersionId(number: number): string {
  return createHash("sha256").update(`version ${number}`).digest("hex").slice(0, 32);
}
