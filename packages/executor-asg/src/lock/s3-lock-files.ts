import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { findAwsFault, toAwsError } from "@stackyard/aws";
import type { LockFiles } from "./lock-files.ts";

/** Which bucket, and the client for it. */
export interface S3LockFilesOptions {
  readonly client: S3Client;
  readonly bucket: string;
}

/**
 * Objects of a bucket. Conditional writes are answered 412 when the condition does not hold, 404 when `If-Match` meets no object,
 * and 409 when another request is under way (S3 guide, "How to prevent object overwrites with conditional writes" and "How to
 * perform conditional deletes"): all of them say that somebody else was there, so the caller looks again.
 */
export function createS3LockFiles({ client, bucket }: S3LockFilesOptions): LockFiles {
  const toPlace = (path: string): string => `s3://${bucket}/${path}`;
  return {
    async load(path) {
      try {
        const { Body, ETag = "" } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: path }));
        return { text: (await Body?.transformToString("utf-8")) ?? "", version: ETag };
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw toAwsError(error, `The object ${toPlace(path)} cannot be read.`);
      }
    },
    async put(path, text, over) {
      const condition = over === "absent" ? { IfNoneMatch: "*" } : { IfMatch: over };
      const content = { Body: text, ContentType: "application/json" };
      try {
        await client.send(new PutObjectCommand({ Bucket: bucket, Key: path, ...content, ...condition }));
        return "written";
      } catch (error) {
        if (isConflict(error)) return "conflict";
        throw toAwsError(error, `The object ${toPlace(path)} cannot be written.`);
      }
    },
    async remove(path, version) {
      const key = { Bucket: bucket, Key: path };
      try {
        await client.send(new DeleteObjectCommand({ ...key, IfMatch: version })).catch((error: unknown) => {
          // Stores that speak S3 may know no conditional delete. The predecessor's was none either.
          if (findAwsFault(error).name === "NotImplemented") return client.send(new DeleteObjectCommand(key));
          throw error;
        });
        return "removed";
      } catch (error) {
        if (isMissing(error)) return "removed";
        if (isConflict(error)) return "conflict";
        throw toAwsError(error, `The object ${toPlace(path)} cannot be deleted.`);
      }
    },
    locate: (path) => ({ place: toPlace(path), removeCommand: `aws s3 rm ${toPlace(path)}` }),
  };
}

function isMissing(error: unknown): boolean {
  const { name } = findAwsFault(error);
  return name === "NoSuchKey" || name === "NotFound";
}

function isConflict(error: unknown): boolean {
  return findAwsFault(error).code === "RECORD_CONFLICT" || isMissing(error);
}
