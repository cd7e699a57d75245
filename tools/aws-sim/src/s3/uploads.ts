import { createHash } from "node:crypto";
import { defined } from "@stackyard/core";
import { findNumber, findText, type SimCall, textOf } from "../sim-call.ts";
import {
  type Bucket,
  keepObject,
  type MultipartUpload,
  openBucket,
  s3Faults,
  toEncryption,
  toEtag,
  type UploadedPart,
} from "./buckets.ts";
import {
  checkSha256,
  checkWriteCondition,
  MAX_KEY_BYTES,
  MAX_PUT_BYTES,
  readBody,
  toServedHeaders,
  toVersion,
  type WrittenObject,
} from "./objects.ts";
import { checkUploadPolicy } from "./upload-policy.ts";

type Buckets = ReadonlyMap<string, Bucket>;

/** S3 guide, "Amazon S3 multipart upload limits": parts are numbered from 1 to 10,000. */
const MAX_PART_NUMBER = 10_000;

/** Implements CreateMultipartUpload with the object's facts besides its bytes. */
export function createUpload(buckets: Buckets, call: SimCall): unknown {
  const bucket = openBucket(buckets, call);
  const { input } = call;
  const key = textOf(input, "Key");
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) throw s3Faults.keyTooLong();
  checkUploadPolicy(bucket, call);
  bucket.written += 1;
  const uploadId = createHash("sha256").update(`upload ${bucket.name} ${bucket.written}`).digest("base64url");
  const checksumAlgorithm = findText(input, "ChecksumAlgorithm");
  const encryption = toEncryption(input);
  bucket.uploads.set(uploadId, {
    uploadId,
    key,
    encryption,
    checksumAlgorithm,
    parts: new Map(),
    contentType: findText(input, "ContentType"),
    headers: toServedHeaders(input),
    metadata: { ...Object(input["Metadata"]) },
  });
  const told = defined({ UploadId: uploadId, ChecksumAlgorithm: checksumAlgorithm });
  return { Bucket: bucket.name, Key: key, ...encryption, ...told };
}

/** Implements UploadPart: replaces an existing number. Sizes are validated when the upload is completed. */
export async function uploadPart(buckets: Buckets, call: SimCall): Promise<unknown> {
  const { input } = call;
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
  upload.parts.set(partNumber, { body: kept, size: body.length, etag, checksumSha256 });
  return { ETag: etag, ...upload.encryption, ...defined({ ChecksumSHA256: checksumSha256 }) };
}

/** Implements AbortMultipartUpload: one that is not there is an error ("AbortMultipartUpload", NoSuchUpload). */
export function abortUpload(buckets: Buckets, call: SimCall): unknown {
  const { bucket, upload } = findUpload(buckets, call);
  bucket.uploads.delete(upload.uploadId);
  return {};
}

/** Returns the upload that a request names by key and id. */
function findUpload(buckets: Buckets, call: SimCall): { readonly bucket: Bucket; readonly upload: MultipartUpload } {
  const bucket = openBucket(buckets, call);
  const uploadId = textOf(call.input, "UploadId");
  const upload = bucket.uploads.get(uploadId);
  if (upload === undefined || upload.key !== textOf(call.input, "Key")) throw s3Faults.noSuchUpload(uploadId);
  return { bucket, upload };
}

/** S3 guide, "Amazon S3 multipart upload limits": 5 MiB to 5 GiB, without a minimum for the last part. */
const MIN_PART_BYTES = 5 * 1_024 ** 2;

/**
 * Implements CompleteMultipartUpload: the object exists at once and complete. `If-None-Match: *` is checked here; if it
 * does not hold the upload stays (API reference, "CompleteMultipartUpload"; S3 guide, "How to prevent object overwrites
 * with conditional writes").
 */
export function completeUpload(buckets: ReadonlyMap<string, Bucket>, call: SimCall): WrittenObject {
  const { bucket, upload } = findUpload(buckets, call);
  const parts = choose(upload, call.input);
  checkWriteCondition(bucket.objects.get(upload.key), upload.key, call.input);
  const { key, contentType, headers, metadata, encryption } = upload;
  const checksumSha256 = upload.checksumAlgorithm === "SHA256" ? toDigestOfDigests(parts) : undefined;
  const object = keepObject(bucket, {
    key,
    contentType,
    headers,
    metadata,
    encryption,
    modifiedAt: call.now,
    etag: toEtagOfParts(parts),
    body: bucket.discards ? Buffer.alloc(0) : Buffer.concat(parts.map(({ body }) => body)),
    size: parts.reduce((sum, { size }) => sum + size, 0),
    ...defined({ checksumSha256 }),
  });
  bucket.uploads.delete(upload.uploadId);
  const told = checksumSha256 === undefined ? {} : { ChecksumSHA256: checksumSha256, ChecksumType: "COMPOSITE" };
  const Location = `https://${bucket.name}.s3.${bucket.region}.amazonaws.com/${encodeURIComponent(key)}`;
  const at = { Bucket: bucket.name, Key: key, Location };
  return { bucket, object, output: { ...at, ETag: object.etag, ...encryption, ...toVersion(object), ...told } };
}

function choose(upload: MultipartUpload, input: SimCall["input"]): readonly UploadedPart[] {
  const asked: unknown = Object(input["MultipartUpload"]).Parts;
  if (!Array.isArray(asked) || asked.length === 0) throw s3Faults.malformedXml();
  const numbers = asked.map((each) => Number(Object(each).PartNumber));
  if (numbers.some((number, index) => index > 0 && number <= (numbers[index - 1] ?? 0))) {
    throw s3Faults.invalidPartOrder();
  }
  const parts = asked.map((each) => findPart(upload, Object(each)));
  if (parts.slice(0, -1).some(({ size }) => size < MIN_PART_BYTES)) throw s3Faults.tooSmall();
  return parts;
}

function findPart({ parts, checksumAlgorithm }: MultipartUpload, asked: Readonly<Record<string, unknown>>) {
  const { PartNumber: number, ETag: etag, ChecksumSHA256: checksum } = asked;
  const part = parts.get(Number(number));
  // Quotes are left out by some clients, and both forms are taken.
  if (part === undefined || part.etag.replaceAll('"', "") !== String(etag).replaceAll('"', "")) {
    throw s3Faults.invalidPart(String(number));
  }
  if (checksumAlgorithm === "SHA256" && checksum === undefined) {
    const why = `The upload was created using a sha256 checksum. The complete request must include the checksum for each part. It was missing for part ${number} in the request.`;
    throw s3Faults.invalidRequest(why);
  }
  if (checksum !== undefined && checksum !== part.checksumSha256) throw s3Faults.invalidPart(String(number));
  return part;
}

/**
 * Returns the MD5 of the parts' MD5s, and their number (S3 guide, "Checking object integrity", "Part-level checksums").
 */
function toEtagOfParts(parts: readonly UploadedPart[]): string {
  const digests = parts.map(({ etag }) => Buffer.from(etag.replaceAll('"', ""), "hex"));
  return `"${createHash("md5").update(Buffer.concat(digests)).digest("hex")}-${parts.length}"`;
}

/** Follows the same page, "Composite checksums". */
function toDigestOfDigests(parts: readonly UploadedPart[]): string {
  const digests = parts.map(({ checksumSha256 = "" }) => Buffer.from(checksumSha256, "base64"));
  return `${createHash("sha256").update(Buffer.concat(digests)).digest("base64")}-${parts.length}`;
}
