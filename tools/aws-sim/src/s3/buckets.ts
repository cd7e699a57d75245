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
}

/** A bucket; S3 is strongly consistent, so one map is all (S3 guide, "Amazon S3 data consistency model"). */
export interface Bucket {
  readonly name: string;
  readonly account: string;
  readonly region: string;
  /** Other accounts that its policy lets in. */
  readonly sharedWith: readonly string[];
  readonly objects: Map<string, StoredObject>;
}

/** The MD5 of the content, as for any object that was put in one part without a KMS key (API reference, "Object", ETag). */
export function toEtag(body: Buffer): string {
  return `"${createHash("md5").update(body).digest("hex")}"`;
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
