import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { sdkStreamMixin } from "@smithy/core/serde";
import { allows } from "../identities.ts";
import { findText, type SimCall, textOf } from "../sim-call.ts";
import { type Bucket, openBucket, type StoredObject, toEtag } from "./buckets.ts";
import { readBody } from "./read-body.ts";
import { s3Faults } from "./s3-faults.ts";
import { toEncryption } from "./to-encryption.ts";
import { findVersion, isObject, keepObject, NULL_VERSION } from "./versions.ts";

type Buckets = ReadonlyMap<string, Bucket>;

/** S3 guide, "Uploading objects": in a single operation up to 5 GB. */
export const MAX_PUT_BYTES = 5 * 1_024 ** 3;
/** S3 guide, "Naming Amazon S3 objects": a key is at most 1,024 bytes of UTF-8. */
export const MAX_KEY_BYTES = 1_024;

/**
 * PutObject. S3 guide, "How to prevent object overwrites with conditional writes": `If-None-Match: *` is answered 412 when
 * the key is there; `If-Match` 412 when the ETag differs and 404 when there is no object; of several writers at a time the
 * first wins. A delete in between is answered 409, which tests bring about with `once`.
 */
export async function putObject(buckets: Buckets, call: SimCall): Promise<WrittenObject> {
  const { input, now } = call;
  const body = await readBody(input["Body"]);
  // From here on nothing is awaited: writes are one at a time.
  const bucket = openBucket(buckets, call);
  const key = textOf(input, "Key");
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) throw s3Faults.keyTooLong();
  if (body.length > MAX_PUT_BYTES) throw s3Faults.tooLarge();
  checkWriteCondition(bucket.objects.get(key), key, input);
  const checksumSha256 = checkSha256(body, input);
  const encryption = toEncryption(input);
  const object = keepObject(bucket, {
    key,
    body,
    size: body.length,
    etag: toEtag(body, encryption),
    modifiedAt: now,
    encryption,
    contentType: findText(input, "ContentType"),
    metadata: { ...Object(input["Metadata"]) },
    ...(checksumSha256 === undefined ? {} : { checksumSha256 }),
  });
  const output = { ETag: object.etag, ...encryption, ...toVersion(object), ...toChecksum(object) };
  return { output, bucket, object };
}

/** What was written where, and what the writer is told. */
export interface WrittenObject {
  readonly output: unknown;
  readonly bucket: Bucket;
  readonly object: StoredObject;
}

/** The SHA-256 that was sent, or that was asked for by name; a wrong one is refused ("Checking object integrity"). */
export function checkSha256(body: Buffer, input: SimCall["input"]): string | undefined {
  const sent = findText(input, "ChecksumSHA256");
  if (sent === undefined && input["ChecksumAlgorithm"] !== "SHA256") return;
  const real = createHash("sha256").update(body).digest("base64");
  if (sent !== undefined && sent !== real) throw s3Faults.badDigest("SHA256");
  return real;
}

/** What `If-None-Match` and `If-Match` of a write ask of the object that stands there. */
export function checkWriteCondition(current: StoredObject | undefined, key: string, input: SimCall["input"]): void {
  const { IfMatch: ifMatch, IfNoneMatch: ifNoneMatch } = input;
  // API reference, "PutObject": If-None-Match expects the asterisk; both together are not served.
  if (ifNoneMatch !== undefined && (ifNoneMatch !== "*" || ifMatch !== undefined)) {
    throw s3Faults.notImplemented("If-None-Match");
  }
  if (ifNoneMatch === "*" && current !== undefined) throw s3Faults.preconditionFailed("If-None-Match");
  if (ifMatch === undefined) return;
  if (current === undefined) throw s3Faults.noSuchKey(key);
  if (ifMatch !== current.etag) throw s3Faults.preconditionFailed("If-Match");
}

/** GetObject and what its answer has in common with HeadObject. */
export function getObject(buckets: Buckets, call: SimCall): unknown {
  const bucket = openBucket(buckets, call);
  const object = findObject(bucket, call) ?? throwMissing(call);
  checkReadCondition(object, call.input);
  const range = findRange(findText(call.input, "Range"), object.size);
  const [from, end] = range === undefined ? [0, object.size] : [range.from, range.to + 1];
  return {
    ...toHead(bucket, object, call),
    ContentLength: end - from,
    ...(range === undefined ? {} : { ContentRange: `bytes ${range.from}-${range.to}/${object.size}` }),
    Body: sdkStreamMixin(Readable.from(readContent(object, from, end), { objectMode: false })),
  };
}

function readContent({ body, generated }: StoredObject, from: number, end: number): Iterable<Uint8Array> {
  if (generated !== undefined) return generated.read(from, end);
  return end === from ? [] : [body.subarray(from, end)];
}

/** HeadObject: without a body, so a missing object is only `NotFound`. */
export function headObject(buckets: Buckets, call: SimCall): unknown {
  const bucket = openBucket(buckets, call);
  const object = findObject(bucket, call);
  if (object === undefined && mayList(call)) throw s3Faults.notFound();
  if (object === undefined) return throwMissing(call);
  checkReadCondition(object, call.input);
  return toHead(bucket, object, call);
}

function findObject(bucket: Bucket, call: SimCall): StoredObject | undefined {
  const key = textOf(call.input, "Key");
  const versionId = findText(call.input, "VersionId");
  if (versionId === undefined) return bucket.objects.get(key);
  const version = findVersion(bucket, key, versionId);
  if (version === undefined) throw s3Faults.noSuchVersion(key);
  // "GetObject": a delete marker answers 405 to who asks for it by its id.
  if (!isObject(version)) throw s3Faults.methodNotAllowed();
  return version;
}

/** API reference, "GetObject": who may not list the bucket is told 403 for a key that is not there, not 404. */
function throwMissing(call: SimCall): never {
  if (mayList(call)) throw s3Faults.noSuchKey(textOf(call.input, "Key"));
  throw s3Faults.denied(call.identity.arn, "s3:ListBucket");
}

function mayList({ identity }: SimCall): boolean {
  return allows(identity.allow, "s3:ListBucket");
}

function checkReadCondition({ etag }: StoredObject, input: SimCall["input"]): void {
  const ifMatch = findText(input, "IfMatch");
  if (ifMatch !== undefined && ifMatch !== etag) throw s3Faults.preconditionFailed("If-Match");
  if (findText(input, "IfNoneMatch") === etag) throw s3Faults.notModified();
}

// API reference, "HeadObject": the checksum is told only where ChecksumMode asks for it.
function toHead({ versioning }: Bucket, object: StoredObject, { input }: SimCall) {
  const { size, etag, modifiedAt, contentType, metadata, encryption } = object;
  return {
    ...encryption,
    ...(versioning === "never" ? {} : { VersionId: object.versionId ?? NULL_VERSION }),
    ...(input["ChecksumMode"] === "ENABLED" ? toChecksum(object) : {}),
    ETag: etag,
    ContentLength: size,
    LastModified: toSeconds(modifiedAt),
    AcceptRanges: "bytes",
    Metadata: metadata,
    ContentType: contentType ?? "application/octet-stream",
  };
}

/** The id of the version, where there is one. */
export function toVersion({ versionId }: StoredObject): object {
  return versionId === undefined ? {} : { VersionId: versionId };
}

function toChecksum({ checksumSha256 }: StoredObject): object {
  if (checksumSha256 === undefined) return {};
  return {
    ChecksumSHA256: checksumSha256,
    ChecksumType: checksumSha256.includes("-") ? "COMPOSITE" : "FULL_OBJECT",
  };
}

/** HTTP dates have no fractions of a second (RFC 9110, section 5.6.7). */
function toSeconds(instant: number): Date {
  return new Date(Math.floor(instant / 1_000) * 1_000);
}

/** RFC 9110, section 14.1.2; S3 serves one range a request. */
function findRange(
  text: string | undefined,
  length: number,
): { readonly from: number; readonly to: number } | undefined {
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(text ?? "") ?? [];
  if (first === "" && last === "") return undefined;
  const from = first === "" ? Math.max(0, length - Number(last)) : Number(first);
  const to = first === "" || last === "" ? length - 1 : Math.min(Number(last), length - 1);
  if (from > to) throw s3Faults.invalidRange();
  return { from, to };
}
