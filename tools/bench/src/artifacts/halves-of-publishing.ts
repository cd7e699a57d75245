import { createHash, webcrypto } from "node:crypto";
import { open } from "node:fs/promises";
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { PART_BYTES, sliceParts } from "./slice-parts.ts";

/** The file to send, and whereto. */
export interface UploadInput {
  readonly client: S3Client;
  readonly bucket: string;
  readonly path: string;
  readonly bytes: number;
}

/** As many as publishing holds in its 96 MiB. */
const PARTS_AT_ONCE = 6;

/** Its digests, as the manifest has them: of the whole here, of the parts on other threads meanwhile. Nothing is sent. */
export async function hashAlone(path: string, bytes: number): Promise<void> {
  const whole = createHash("sha256");
  const buffer = Buffer.allocUnsafeSlow(PART_BYTES);
  const parts: Promise<unknown>[] = [];
  const file = await open(path);
  try {
    for (const { from, to } of sliceParts(bytes)) {
      const { bytesRead } = await file.read(buffer, 0, to - from + 1, from);
      const part = buffer.subarray(0, bytesRead);
      // It takes a copy.
      parts.push(webcrypto.subtle.digest("SHA-256", part));
      whole.update(part);
      await parts.at(-PARTS_AT_ONCE);
    }
  } finally {
    await file.close();
  }
  await Promise.all(parts);
  whole.digest("hex");
}

/** The file in parts, from the disk into memory that is used again, and from there into requests without any digest. */
export async function uploadAlone({ client, bucket, path, bytes }: UploadInput): Promise<void> {
  const at = { Bucket: bucket, Key: `alone/${bytes}.bin` };
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(at));
  const waiting = sliceParts(bytes).entries();
  const Parts: { readonly PartNumber: number; readonly ETag: string | undefined }[] = [];
  const file = await open(path);
  const lane = async () => {
    const buffer = Buffer.allocUnsafeSlow(PART_BYTES);
    for (const [index, { from, to }] of waiting) {
      const { bytesRead } = await file.read(buffer, 0, to - from + 1, from);
      const Body = buffer.subarray(0, bytesRead);
      const command = new UploadPartCommand({ ...at, UploadId, PartNumber: index + 1, Body });
      const { ETag } = await client.send(leaveUnsigned(command));
      Parts[index] = { PartNumber: index + 1, ETag };
    }
  };
  try {
    await Promise.all(Array.from({ length: PARTS_AT_ONCE }, lane));
  } finally {
    await file.close();
  }
  await client.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts } }));
}

/** Bytes in memory the SDK would digest for the signature. */
function leaveUnsigned(command: UploadPartCommand): UploadPartCommand {
  command.middlewareStack.add(
    (next) => (args) => {
      const { headers } = Object(args.request);
      headers["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD";
      return next(args);
    },
    { step: "build", name: "leaveUnsigned" },
  );
  return command;
}
