import { createHash } from "node:crypto";
import { findNumber, findText, type SimCall, textOf } from "../sim-call.ts";
import { type Bucket, type MultipartUpload, openBucket, toEtag } from "./buckets.ts";
import { checkSha256, MAX_KEY_BYTES, MAX_PUT_BYTES } from "./object-operations.ts";
import { readBody } from "./read-body.ts";
import { s3Faults } from "./s3-faults.ts";
import { toEncryption } from "./to-encryption.ts";

type Buckets = ReadonlyMap<string, Bucket>;

/** S3 guide, "Amazon S3 multipart upload limits": parts are numbered from 1 to 10,000. */
const MAX_PART_NUMBER = 10_000;

/** CreateMultipartUpload: what the object will be besides its bytes. */
export function createUpload(buckets: Buckets, call: SimCall): unknown {
  const bucket = openBucket(buckets, call);
  const { input, now } = call;
  const key = textOf(input, "Key");
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) throw s3Faults.keyTooLong();
  bucket.written += 1;
  const uploadId = createHash("sha256").update(`upload ${bucket.name} ${bucket.written}`).digest("base64url");
  const checksumAlgorithm = findText(input, "ChecksumAlgorithm");
  const encryption = toEncryption(input);
  bucket.uploads.set(uploadId, {
    uploadId,
    key,
    beganAt: now,
    encryption,
    checksumAlgorithm,
    parts: new Map(),
    contentType: findText(input, "ContentType"),
    metadata: { ...Object(input["Metadata"]) },
  });
  const told = checksumAlgorithm === undefined ? {} : { ChecksumAlgorithm: checksumAlgorithm };
  return { Bucket: bucket.name, Key: key, UploadId: uploadId, ...encryption, ...told };
}

/** UploadPart: a number that was there before is written over. Sizes are judged when the upload is completed. */
export async function uploadPart(buckets: Buckets, call: SimCall): Promise<unknown> {
  const { input, now } = call;
  const body = await readBody(input["Body"]);
  const { upload, bucket } = findUpload(buckets, call);
  const partNumber = findNumber(input, "PartNumber") ?? 0;
  if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > MAX_PART_NUMBER) {
    throw s3Faults.invalidArgument(`Part number must be an integer between 1 and ${MAX_PART_NUMBER}, inclusive`);
  }
  if (body.length > MAX_PUT_BYTES) throw s3Faults.tooLarge();
  const { checksumAlgorithm: ChecksumAlgorithm } = upload;
  const checksumSha256 = checkSha256(body, { ChecksumAlgorithm, ...input });
  const etag = toEtag(body, upload.encryption);
  const kept = bucket.discards ? Buffer.alloc(0) : body;
  const part = { partNumber, body: kept, size: body.length, etag, checksumSha256, modifiedAt: now };
  upload.parts.set(partNumber, part);
  return {
    ETag: etag,
    ...upload.encryption,
    ...(checksumSha256 === undefined ? {} : { ChecksumSHA256: checksumSha256 }),
  };
}

/** AbortMultipartUpload: one that is not there is an error ("AbortMultipartUpload", NoSuchUpload). */
export function abortUpload(buckets: Buckets, call: SimCall): unknown {
  const { bucket, upload } = findUpload(buckets, call);
  bucket.uploads.delete(upload.uploadId);
  return {};
}

/** The upload that a request names by key and id. */
export function findUpload(
  buckets: Buckets,
  call: SimCall,
): { readonly bucket: Bucket; readonly upload: MultipartUpload } {
  const bucket = openBucket(buckets, call);
  const uploadId = textOf(call.input, "UploadId");
  const upload = bucket.uploads.get(uploadId);
  if (upload === undefined || upload.key !== textOf(call.input, "Key")) throw s3Faults.noSuchUpload(uploadId);
  return { bucket, upload };
}
