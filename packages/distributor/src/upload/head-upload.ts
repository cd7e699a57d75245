import { HeadObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { findAwsFault, toAwsError } from "@stackyard/aws";
import type { ObjectPlace } from "../publish/load-manifest.ts";
import { toVersionId } from "../publish/version-id.ts";

/** An uploaded object as it lies there. */
export interface HeadedUpload {
  readonly size: number;
  readonly etag: string;
  /** Undefined where the bucket keeps none: the next upload takes its place. */
  readonly versionId: string | undefined;
  readonly contentType: string | undefined;
  readonly modifiedAt: Date;
}

/**
 * The present object of a key; undefined where there is none, or another one than that of the event: a later upload has an event
 * of its own, and what it replaced must not be announced behind it.
 */
export async function headUpload(s3: S3Client, place: ObjectPlace): Promise<HeadedUpload | undefined> {
  const { bucket, key, versionId } = place;
  try {
    const head = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
    const own = toVersionId(head.VersionId);
    if (versionId !== undefined && own !== versionId) return undefined;
    const { ContentLength: size, ETag: etag, LastModified: modifiedAt, ContentType: contentType } = head;
    if (size === undefined || etag === undefined || modifiedAt === undefined) return undefined;
    return { size, etag, modifiedAt, versionId: own, contentType };
  } catch (error) {
    if (findAwsFault(error).code === "NOT_FOUND") return undefined;
    throw toAwsError(error, `s3://${bucket}/${key} cannot be looked at.`);
  }
}
