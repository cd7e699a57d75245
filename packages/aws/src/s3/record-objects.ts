import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { findAwsFault, toAwsError } from "../aws-fault.ts";
import { parseRecordDocument, type RecordDocument } from "./record-document.ts";

/** A record's object at one instant. */
export interface RecordObject {
  readonly document: RecordDocument;
  readonly etag: string;
}

/** Reads and conditional writes of the objects that hold records. */
export interface RecordObjects {
  /** Undefined: there is none. */
  load(objectKey: string): Promise<RecordObject | undefined>;
  /** Over what was found, or where nothing was found; false: somebody else was there first. */
  write(objectKey: string, document: RecordDocument, over: RecordObject | undefined): Promise<boolean>;
  /** Deletes what was found unless somebody wrote meanwhile. Never throws: it is done again another time. */
  sweep(objectKey: string, found: RecordObject): Promise<void>;
}

/** Objects of one bucket. */
export function createRecordObjects(client: S3Client, bucket: string): RecordObjects {
  const tell = (objectKey: string): string => `s3://${bucket}/${objectKey}`;
  return {
    async load(objectKey) {
      try {
        const { Body, ETag = "" } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: objectKey }));
        const text = (await Body?.transformToString("utf-8")) ?? "";
        return { document: parseRecordDocument(text, tell(objectKey)), etag: ETag };
      } catch (error) {
        if (findAwsFault(error).name === "NoSuchKey") return undefined;
        throw toAwsError(error, `The record in ${tell(objectKey)} cannot be read.`, toAdvice(error));
      }
    },
    async write(objectKey, document, over) {
      const body = { Body: JSON.stringify(document), ContentType: "application/json" };
      const condition = over === undefined ? { IfNoneMatch: "*" } : { IfMatch: over.etag };
      try {
        await client.send(new PutObjectCommand({ Bucket: bucket, Key: objectKey, ...body, ...condition }));
        return true;
      } catch (error) {
        if (isLost(error)) return false;
        throw toAwsError(error, `The record in ${tell(objectKey)} cannot be written.`, toAdvice(error));
      }
    },
    async sweep(objectKey, { etag }) {
      const input = { Bucket: bucket, Key: objectKey, IfMatch: etag };
      await client.send(new DeleteObjectCommand(input)).catch(() => undefined);
    },
  };
}

/**
 * Conditional writes are answered 412 when the condition does not hold, 404 when `If-Match` meets no object, and 409 when
 * another request is under way (S3 guide, "How to prevent object overwrites with conditional writes").
 */
function isLost(error: unknown): boolean {
  const { code, name } = findAwsFault(error);
  return code === "RECORD_CONFLICT" || name === "NoSuchKey";
}

function toAdvice(error: unknown): string {
  return findAwsFault(error).code === "FORBIDDEN"
    ? "Allow s3:GetObject, s3:PutObject and s3:DeleteObject on the objects and s3:ListBucket on the bucket; without the last one S3 answers so for objects that are not there."
    : "";
}
