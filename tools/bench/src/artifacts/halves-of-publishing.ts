import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { sliceParts } from "./slice-parts.ts";

/** The file to send, and whereto. */
export interface UploadInput {
  readonly client: S3Client;
  readonly bucket: string;
  readonly path: string;
  readonly bytes: number;
}

/** As many as publishing holds in its 96 MiB. */
const PARTS_AT_ONCE = 6;

/** SHA-256 of a file, and nothing else. */
export async function hashAlone(path: string): Promise<void> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1_048_576 })) hash.update(chunk);
  hash.digest("hex");
}

/** The file in parts, from the disk into the requests, of which the client must not make checksums. */
export async function uploadAlone({ client, bucket, path, bytes }: UploadInput): Promise<void> {
  const at = { Bucket: bucket, Key: `alone/${bytes}.bin` };
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(at));
  const waiting = sliceParts(bytes).entries();
  const Parts: { readonly PartNumber: number; readonly ETag: string | undefined }[] = [];
  const lane = async () => {
    for (const [index, { from, to }] of waiting) {
      const Body = createReadStream(path, { start: from, end: to, highWaterMark: 1_048_576 });
      const input = { ...at, UploadId, PartNumber: index + 1, Body, ContentLength: to - from + 1 };
      const { ETag } = await client.send(new UploadPartCommand(input));
      Parts[index] = { PartNumber: index + 1, ETag };
    }
  };
  await Promise.all(Array.from({ length: PARTS_AT_ONCE }, lane));
  await client.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts } }));
}
