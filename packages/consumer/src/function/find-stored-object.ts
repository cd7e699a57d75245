import { HeadObjectCommand } from "@aws-sdk/client-s3";
import { findAwsFault, toAwsError } from "@stackyard/aws";
import { METADATA } from "../copy/judge-stored.ts";
import type { ConsumerOptions } from "./consumer-options.ts";

/** An object as it stands. */
export interface StoredObject {
  /** Undefined: nobody of ours has written it. */
  readonly sourceSha256: string | undefined;
  readonly etag: string | undefined;
}

/** Looks at an object; undefined: there is none. */
export async function findStoredObject(
  { clients, bucket, config }: Pick<ConsumerOptions, "clients" | "bucket" | "config">,
  Key: string,
): Promise<StoredObject | undefined> {
  try {
    const request = { Bucket: bucket, Key, ExpectedBucketOwner: config.account };
    const { Metadata, ETag } = await clients.s3.send(new HeadObjectCommand(request));
    return { sourceSha256: Metadata?.[METADATA.sha256], etag: ETag };
  } catch (error) {
    if (findAwsFault(error).code === "NOT_FOUND") return undefined;
    throw toAwsError(error, "An object of the bucket could not be looked at.");
  }
}

/** The digest of the source of what stands under the key. */
export async function findStoredDigest(
  deps: Pick<ConsumerOptions, "clients" | "bucket" | "config">,
  key: string,
): Promise<string | undefined> {
  return (await findStoredObject(deps, key))?.sourceSha256;
}
