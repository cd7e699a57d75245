import { createHash } from "node:crypto";
import type { SimCall } from "../sim-call.ts";
import type { Bucket, MultipartUpload, UploadedPart } from "./buckets.ts";
import { findUpload } from "./multipart-uploads.ts";
import { checkWriteCondition, toVersion, type WrittenObject } from "./object-operations.ts";
import { s3Faults } from "./s3-faults.ts";
import { keepObject } from "./versions.ts";

/** S3 guide, "Amazon S3 multipart upload limits": 5 MiB to 5 GiB, without a minimum for the last part. */
const MIN_PART_BYTES = 5 * 1_024 ** 2;

/**
 * CompleteMultipartUpload: the object stands at once and whole. `If-None-Match: *` is judged here; where it does not hold the
 * upload stays (API reference, "CompleteMultipartUpload"; S3 guide, "How to prevent object overwrites with conditional writes").
 */
export function completeUpload(buckets: ReadonlyMap<string, Bucket>, call: SimCall): WrittenObject {
  const { bucket, upload } = findUpload(buckets, call);
  const parts = choose(upload, call.input);
  checkWriteCondition(bucket.objects.get(upload.key), upload.key, call.input);
  const { key, contentType, metadata, encryption } = upload;
  const checksumSha256 = upload.checksumAlgorithm === "SHA256" ? toDigestOfDigests(parts) : undefined;
  const object = keepObject(bucket, {
    key,
    contentType,
    metadata,
    encryption,
    modifiedAt: call.now,
    etag: toEtagOfParts(parts),
    body: bucket.discards ? Buffer.alloc(0) : Buffer.concat(parts.map(({ body }) => body)),
    size: parts.reduce((sum, { size }) => sum + size, 0),
    ...(checksumSha256 === undefined ? {} : { checksumSha256 }),
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

/** The MD5 of the parts' MD5s, and their number (S3 guide, "Checking object integrity", "Part-level checksums"). */
function toEtagOfParts(parts: readonly UploadedPart[]): string {
  const digests = parts.map(({ etag }) => Buffer.from(etag.replaceAll('"', ""), "hex"));
  return `"${createHash("md5").update(Buffer.concat(digests)).digest("hex")}-${parts.length}"`;
}

/** The same page, "Composite checksums". */
function toDigestOfDigests(parts: readonly UploadedPart[]): string {
  const digests = parts.map(({ checksumSha256 = "" }) => Buffer.from(checksumSha256, "base64"));
  return `${createHash("sha256").update(Buffer.concat(digests)).digest("base64")}-${parts.length}`;
}
