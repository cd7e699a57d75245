import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { sdkStreamMixin } from "@smithy/core/serde";
import { defined } from "@stackyard/core";
import { type AwsEvent, toAwsEvent } from "../event-bridge.ts";
import { allows } from "../identities.ts";
import { findNumber, findText, type SimCall, textOf } from "../sim-call.ts";
import {
  addVersion,
  type Bucket,
  compareKeys,
  type DeleteMarker,
  findVersion,
  isObject,
  keepObject,
  NULL_VERSION,
  openBucket,
  removeVersion,
  type StoredObject,
  s3Faults,
  toEncryption,
  toEtag,
} from "./buckets.ts";
import { checkUploadPolicy } from "./upload-policy.ts";

type Buckets = ReadonlyMap<string, Bucket>;

/** S3 guide, "Uploading objects": in a single operation up to 5 GB. */
export const MAX_PUT_BYTES = 5 * 1_024 ** 3;
/** S3 guide, "Naming Amazon S3 objects": a key is at most 1,024 bytes of UTF-8. */
export const MAX_KEY_BYTES = 1_024;

/**
 * Implements PutObject. S3 guide, "How to prevent object overwrites with conditional writes": `If-None-Match: *`
 * returns 412 when the key exists; `If-Match` 412 when the ETag differs and 404 when the object does not exist; of
 * several writers at a time the first wins. A delete in between returns 409, which tests cause with `once`.
 */
export async function putObject(buckets: Buckets, call: SimCall): Promise<WrittenObject> {
  const { input, now } = call;
  const body = await readBody(input["Body"]);
  // From here on nothing is awaited: writes are one at a time.
  const bucket = openBucket(buckets, call);
  const key = textOf(input, "Key");
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) throw s3Faults.keyTooLong();
  if (body.length > MAX_PUT_BYTES) throw s3Faults.tooLarge();
  checkUploadPolicy(bucket, call);
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
    headers: toServedHeaders(input),
    metadata: { ...Object(input["Metadata"]) },
    ...defined({ checksumSha256 }),
  });
  const output = { ETag: object.etag, ...encryption, ...toVersion(object), ...toChecksum(object) };
  return { output, bucket, object };
}

/** What was written where, and the answer to the writer. */
export interface WrittenObject {
  readonly output: unknown;
  readonly bucket: Bucket;
  readonly object: StoredObject;
}

/**
 * Returns the SHA-256 that was sent, or requested by algorithm; a wrong one is rejected ("Checking object integrity").
 */
export function checkSha256(body: Buffer, input: SimCall["input"]): string | undefined {
  const sent = findText(input, "ChecksumSHA256");
  if (sent === undefined && input["ChecksumAlgorithm"] !== "SHA256") return;
  const real = createHash("sha256").update(body).digest("base64");
  if (sent !== undefined && sent !== real) throw s3Faults.badDigest("SHA256");
  return real;
}

/** Returns the conditions of `If-None-Match` and `If-Match` of a write on the existing object. */
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

/** Implements GetObject and the common parts of HeadObject. */
export function getObject(buckets: Buckets, call: SimCall): unknown {
  const bucket = openBucket(buckets, call);
  const object = findObject(bucket, call) ?? throwMissing(call);
  checkReadCondition(object, call.input);
  const range = findRange(findText(call.input, "Range"), object.size);
  const [from, end] = range === undefined ? [0, object.size] : [range.from, range.to + 1];
  return {
    ...toHead(bucket, object, call),
    ContentLength: end - from,
    ...defined({ ContentRange: range && `bytes ${range.from}-${range.to}/${object.size}` }),
    Body: sdkStreamMixin(Readable.from(readContent(object, from, end), { objectMode: false })),
  };
}

function readContent({ body, generated }: StoredObject, from: number, end: number): Iterable<Uint8Array> {
  if (generated !== undefined) return generated.read(from, end);
  return end === from ? [] : [body.subarray(from, end)];
}

/** Implements HeadObject: without a body, so a missing object is only `NotFound`. */
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
  // "GetObject": a request for a delete marker by its id returns 405.
  if (!isObject(version)) throw s3Faults.methodNotAllowed();
  return version;
}

/**
 * Follows the API reference, "GetObject": a caller that may not list the bucket gets 403 for a missing key, not 404.
 */
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

// API reference, "HeadObject": the checksum is only returned if ChecksumMode requests it.
function toHead({ versioning }: Bucket, object: StoredObject, { input }: SimCall) {
  const { size, etag, modifiedAt, contentType, headers, metadata, encryption } = object;
  return {
    ...encryption,
    ...headers,
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

// API reference, "PutObject": they are stored with the object, and sent with it.
const SERVED = ["CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage"];

/** Returns the headers with which an object is going to be served, besides its type. */
export function toServedHeaders(input: SimCall["input"]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    SERVED.flatMap((name) => (findText(input, name) === undefined ? [] : [[name, textOf(input, name)]])),
  );
}

/** Returns the id of the version, if there is one. */
export function toVersion({ versionId }: StoredObject): object {
  return defined({ VersionId: versionId });
}

function toChecksum({ checksumSha256 }: StoredObject): object {
  if (checksumSha256 === undefined) return {};
  return {
    ChecksumSHA256: checksumSha256,
    ChecksumType: checksumSha256.includes("-") ? "COMPOSITE" : "FULL_OBJECT",
  };
}

/** Removes fractions of a second, which HTTP dates do not have (RFC 9110, section 5.6.7). */
function toSeconds(instant: number): Date {
  return new Date(Math.floor(instant / 1_000) * 1_000);
}

/** Parses a range: RFC 9110, section 14.1.2; S3 serves one range per request. */
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

/** "DeleteObjects": up to 1,000 keys. */
const MAX_KEYS = 1_000;

/**
 * Implements DeleteObject: succeeds for a missing key too, unless `If-Match` is set (S3 guide, "conditional deletes").
 */
export function deleteObject(buckets: Buckets, call: SimCall): unknown {
  const bucket = openBucket(buckets, call);
  const key = textOf(call.input, "Key");
  const ifMatch = findText(call.input, "IfMatch");
  const current = bucket.objects.get(key);
  if (ifMatch !== undefined && current === undefined) throw s3Faults.noSuchKey(key);
  if (ifMatch !== undefined && ifMatch !== "*" && ifMatch !== current?.etag) {
    throw s3Faults.preconditionFailed("If-Match");
  }
  return deleteOne(bucket, { key, versionId: findText(call.input, "VersionId"), now: call.now });
}

/** Implements DeleteObjects: each key separately; with `Quiet` only errors are returned. */
export function deleteObjects(buckets: Buckets, call: SimCall): unknown {
  const bucket = openBucket(buckets, call);
  const { Objects: asked, Quiet: quiet } = Object(call.input["Delete"]);
  const objects: readonly unknown[] = Array.isArray(asked) ? asked : [];
  if (objects.length === 0 || objects.length > MAX_KEYS) throw s3Faults.malformedXml();
  const deleted = objects.map((each) => {
    const { Key: key, VersionId: versionId } = Object(each);
    const { DeleteMarker, VersionId } = deleteOne(bucket, { key: String(key), versionId, now: call.now });
    const marked = DeleteMarker === undefined ? {} : { DeleteMarker, DeleteMarkerVersionId: VersionId };
    return { Key: key, ...defined({ VersionId: versionId }), ...marked };
  });
  return quiet === true ? {} : { Deleted: deleted };
}

interface Deletion {
  readonly key: string;
  readonly versionId: string | undefined;
  readonly now: number;
}

/**
 * Deletes an object: with versioning a delete only adds a marker and older versions stay; with an id it removes that
 * version permanently, and what is then the newest one becomes current (S3 guide, "Deleting object versions" and
 * "Working with delete markers").
 */
export function deleteOne(
  bucket: Bucket,
  { key, versionId, now }: Deletion,
): { DeleteMarker?: boolean; VersionId?: string } {
  const { objects, versions } = bucket;
  if (versionId === undefined) return hide(bucket, key, now);
  const version = findVersion(bucket, key, versionId);
  removeVersion(bucket, key, versionId);
  const newest = [...versions.values()].findLast((each) => each.key === key);
  if (newest !== undefined && isObject(newest)) objects.set(key, newest);
  else objects.delete(key);
  const wasMarker = version !== undefined && !isObject(version);
  return { VersionId: versionId, ...(wasMarker ? { DeleteMarker: true } : {}) };
}

/** Hides an object by a delete marker; a bucket that never had versioning gets none. */
function hide(bucket: Bucket, key: string, now: number): { DeleteMarker?: boolean; VersionId?: string } {
  bucket.objects.delete(key);
  if (bucket.versioning === "never") {
    removeVersion(bucket, key);
    return {};
  }
  const { versionId = NULL_VERSION } = addVersion<DeleteMarker>(bucket, { key, modifiedAt: now });
  return { DeleteMarker: true, VersionId: versionId };
}

const TOKEN = "after:";

/**
 * Implements ListObjectsV2. API reference: at most 1,000 keys per answer, in the order of UTF-8 bytes; keys below a
 * delimiter are rolled up and count as one; `StartAfter` counts on the first page only; the token is opaque.
 */
export function listObjects(buckets: ReadonlyMap<string, Bucket>, call: SimCall): unknown {
  const { objects, name } = openBucket(buckets, call);
  const { input } = call;
  const prefix = findText(input, "Prefix") ?? "";
  const delimiter = findText(input, "Delimiter");
  const after = parseToken(findText(input, "ContinuationToken")) ?? findText(input, "StartAfter") ?? "";
  const maxKeys = Math.min(MAX_KEYS, findNumber(input, "MaxKeys") ?? MAX_KEYS);
  const rows = toRows([...objects.keys()].filter((key) => key.startsWith(prefix)).sort(compareKeys), prefix, delimiter);
  const following = rows.filter(({ last }) => compareKeys(last, after) > 0);
  const page = following.slice(0, maxKeys);
  const isTruncated = page.length < following.length;
  const contents = page.flatMap(({ key }) => objects.get(key ?? "") ?? []);
  const prefixes = page.flatMap(({ common }) => (common === undefined ? [] : [{ Prefix: common }]));
  return {
    Name: name,
    Prefix: prefix,
    MaxKeys: maxKeys,
    KeyCount: page.length,
    IsTruncated: isTruncated,
    ...(contents.length === 0 ? {} : { Contents: contents.map(toContent) }),
    ...(prefixes.length === 0 ? {} : { CommonPrefixes: prefixes }),
    ...(isTruncated ? { NextContinuationToken: toToken(page.at(-1)?.last ?? "") } : {}),
  };
}

interface Row {
  readonly key?: string;
  readonly common?: string;
  /** The last key that the row covers: the next page begins after it. */
  readonly last: string;
}

function toRows(keys: readonly string[], prefix: string, delimiter: string | undefined): readonly Row[] {
  if (delimiter === undefined) return keys.map((key) => ({ key, last: key }));
  const rows: Row[] = [];
  for (const key of keys) {
    const end = key.indexOf(delimiter, prefix.length);
    const common = end === -1 ? undefined : key.slice(0, end + delimiter.length);
    if (common === undefined) rows.push({ key, last: key });
    else if (rows.at(-1)?.common === common) rows.splice(-1, 1, { common, last: key });
    else rows.push({ common, last: key });
  }
  return rows;
}

function toContent({ key, size, etag, modifiedAt }: StoredObject) {
  return { Key: key, Size: size, ETag: etag, LastModified: new Date(modifiedAt), StorageClass: "STANDARD" };
}

function toToken(key: string): string {
  return Buffer.from(TOKEN + key).toString("base64url");
}

function parseToken(token: string | undefined): string | undefined {
  if (token === undefined) return undefined;
  const text = Buffer.from(token, "base64url").toString();
  if (!text.startsWith(TOKEN)) throw s3Faults.invalidToken();
  return text.slice(TOKEN.length);
}

/**
 * Implements ListObjectVersions: at most 1,000 per response, by key, of each key the newest first. What was written while versions were not kept
 * has the version id `null` (S3 guide, "How S3 Versioning works").
 */
export function listVersions(buckets: ReadonlyMap<string, Bucket>, call: SimCall): unknown {
  const bucket = openBucket(buckets, call);
  const { input } = call;
  const prefix = findText(input, "Prefix") ?? "";
  const all = toVersionRows(bucket).filter(({ Key }) => Key.startsWith(prefix));
  const following = all.slice(toStart(all, findText(input, "KeyMarker"), findText(input, "VersionIdMarker")));
  const page = following.slice(0, Math.min(MAX_KEYS, findNumber(input, "MaxKeys") ?? MAX_KEYS));
  const isTruncated = page.length < following.length;
  const last = page.at(-1);
  return {
    Name: bucket.name,
    Prefix: prefix,
    IsTruncated: isTruncated,
    MaxKeys: MAX_KEYS,
    Versions: page.filter((row) => "Size" in row),
    DeleteMarkers: page.filter((row) => !("Size" in row)),
    ...(isTruncated ? { NextKeyMarker: last?.Key, NextVersionIdMarker: last?.VersionId } : {}),
  };
}

interface VersionRow {
  readonly Key: string;
  readonly VersionId: string;
  readonly LastModified: Date;
  readonly Size?: number;
  readonly ETag?: string;
  readonly StorageClass?: "STANDARD";
}

function toVersionRows({ versions }: Bucket): readonly VersionRow[] {
  const seen = new Set<string>();
  return [...versions.values()]
    .toReversed()
    .map((version) => {
      const IsLatest = !seen.has(version.key);
      seen.add(version.key);
      return { ...toRow(version), IsLatest };
    })
    .toSorted((a, b) => compareKeys(a.Key, b.Key));
}

function toRow(version: StoredObject | DeleteMarker): VersionRow {
  const { key, versionId = NULL_VERSION, modifiedAt } = version;
  const row = { Key: key, VersionId: versionId, LastModified: new Date(modifiedAt) };
  return isObject(version) ? { ...row, Size: version.size, ETag: version.etag, StorageClass: "STANDARD" } : row;
}

function toStart(rows: readonly VersionRow[], key: string | undefined, versionId: string | undefined): number {
  if (key === undefined) return 0;
  const at = rows.findIndex((row) => row.Key === key && row.VersionId === versionId);
  if (at !== -1) return at + 1;
  const next = rows.findIndex((row) => compareKeys(row.Key, key) > 0);
  return next === -1 ? rows.length : next;
}

/** How an object was created, as in the event. */
export type CreationReason = "PutObject" | "CompleteMultipartUpload";

/**
 * Returns the event "Object Created", on the default bus of the bucket's owner. Source: S3 guide, "EventBridge event
 * message structure". Keys are given unchanged, and ETags without quotes.
 */
export function toObjectCreated(
  { name, account, region, written }: Bucket,
  { key, size, etag, versionId }: StoredObject,
  { now, identity, reason }: Pick<SimCall, "now" | "identity"> & { readonly reason: CreationReason },
): AwsEvent {
  const sequencer = `${now.toString(16)}${written.toString(16).padStart(6, "0")}`.toUpperCase();
  return toAwsEvent({
    account,
    region,
    at: now,
    source: "aws.s3",
    detailType: "Object Created",
    resources: [`arn:aws:s3:::${name}`],
    detail: {
      version: "0",
      bucket: { name },
      reason,
      requester: identity.account,
      object: defined({ key, size, etag: etag.replaceAll('"', ""), "version-id": versionId, sequencer }),
      "request-id": "N4N7GDK58NMKJ12R",
      "source-ip-address": "192.0.2.1",
    },
  });
}

/** Returns a client's body as bytes. */
export async function readBody(body: unknown): Promise<Buffer> {
  if (body === undefined) return Buffer.alloc(0);
  if (typeof body === "string") return Buffer.from(body);
  if (body instanceof Uint8Array) return Buffer.from(body);
  if (body instanceof Blob) return Buffer.from(await body.arrayBuffer());
  if (isIterable(body)) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
    return Buffer.concat(chunks);
  }
  throw new TypeError("The simulation takes bodies of text, bytes, blobs and streams.");
}

function isIterable(value: unknown): value is AsyncIterable<Uint8Array | string> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}
