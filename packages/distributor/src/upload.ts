import { createHash } from "node:crypto";
import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { findAwsFault, toAwsError } from "@stackyard/aws";
import { type Clock, type Logger, type Records, StackyardError, silentLogger } from "@stackyard/core";
import {
  digestManifest,
  isManifestKey,
  MAX_WHOLE_BYTES,
  type Manifest,
  type ManifestFile,
  PART_BYTES,
  toManifestText,
} from "@stackyard/sdk/artifacts";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import type { Publisher, PublishOutcome } from "./publish.ts";
import { type Claim, Claimed, createObjectClaims, type ObjectClaims } from "./records.ts";
import { createResumableSha256, type ResumableSha256 } from "./resumable-sha256.ts";
import {
  classifyKey,
  type HeadedUpload,
  headUpload,
  type KeyPrefixes,
  type ObjectPlace,
  putManifest,
  toOverwrittenVersion,
  toUploadName,
  type UploadName,
} from "./source-bucket.ts";
import { artifactRecordKey, parseArtifactRecord } from "./versions.ts";

/** What became of an upload. */
type UploadOutcome =
  /** Its manifest is there; what became of that. */
  | { readonly kind: "manifested"; readonly outcome: PublishOutcome }
  /** The time was over: `resume` goes on. */
  | { readonly kind: "continues"; readonly doneParts: number }
  | { readonly kind: "running" }
  /** No upload of this bucket, or one that is gone or was replaced: the later one has its own event. */
  | { readonly kind: "ignored" }
  | { readonly kind: "refused"; readonly code: "KEY_INVALID" | "TOO_LARGE" };

/** When the process ends, in epoch milliseconds. Default: never. */
interface UploadTime {
  readonly deadlineAt?: number;
}

/** Makes artifacts of what others upload without a manifest. */
interface Uploads {
  /** An object appeared; may be called as often as one likes. */
  onUpload(upload: ObjectPlace, time?: UploadTime): Promise<UploadOutcome>;
  /** Goes on with what others have begun. Gives how many uploads are finished, and how many could not be. */
  resume(time?: UploadTime): Promise<{ readonly finished: number; readonly failed: number; readonly left: number }>;
}

/** What it works with. */
export interface UploadsOptions extends KeyPrefixes {
  readonly s3: S3Client;
  readonly records: Records;
  readonly publisher: Pick<Publisher, "onManifest">;
  readonly bucket: string;
  readonly clock: Clock;
  /** Default: none. */
  readonly logger?: Logger;
}

/**
 * Digests uploads and writes their manifests. A file of more than 64 MiB is digested part by part, and over several processes
 * where one has not the time. Each file is an artifact of its own, announced as it comes; one that is uploaded again is a new
 * version of it, which is announced too.
 */
export function createUploads(options: UploadsOptions): Uploads {
  const { records, clock, logger = silentLogger } = options;
  const work = createUploadWork(records, clock);

  async function onUpload(upload: ObjectPlace, time: UploadTime = {}): Promise<UploadOutcome> {
    if (upload.bucket !== options.bucket || classifyKey(upload.key, options) !== "upload") return { kind: "ignored" };
    if (!isManifestKey(upload.key)) return refuse(logger, upload.key, "KEY_INVALID");
    const { deadlineAt = Number.POSITIVE_INFINITY } = time;
    const outcome = await work.hold(upload, (entry, save) => finish(options, { work, entry, save, deadlineAt }));
    return outcome ?? { kind: "running" };
  }

  async function resumeOne(upload: ObjectPlace, time: UploadTime): Promise<"finished" | "failed" | "left"> {
    try {
      const { kind } = await onUpload(upload, time);
      return kind === "continues" || kind === "running" ? "left" : "finished";
    } catch (error) {
      logger.error("An upload could not be published yet.", { key: upload.key, error });
      return "failed";
    }
  }

  return {
    onUpload,
    async resume(time = {}) {
      const counts = { finished: 0, failed: 0, left: 0 };
      const isOver = () => clock.now() >= (time.deadlineAt ?? Number.POSITIVE_INFINITY);
      let cursor: string | undefined;
      do {
        const page = await work.listFree(cursor);
        for (const upload of page.free) {
          counts[isOver() ? "left" : await resumeOne({ bucket: options.bucket, ...upload }, time)] += 1;
        }
        cursor = page.cursor;
      } while (cursor !== undefined && !isOver());
      return counts;
    },
  };
}

interface Turn {
  readonly work: UploadWork;
  readonly entry: UploadEntry;
  readonly save: Parameters<Parameters<UploadWork["hold"]>[1]>[1];
  readonly deadlineAt: number;
}

async function finish(options: UploadsOptions, { work, entry, save, deadlineAt }: Turn): Promise<UploadOutcome> {
  const { s3, bucket, clock, logger = silentLogger } = options;
  const place = { bucket, key: entry.key, ...(entry.versionId === null ? {} : { versionId: entry.versionId }) };
  const head = await headUpload(s3, place);
  if (head === undefined || head.size > MAX_UPLOAD_BYTES) {
    await work.remove(entry);
    return head === undefined ? { kind: "ignored" } : refuse(logger, entry.key, "TOO_LARGE");
  }
  const digested = await digestUpload({ s3, bucket, clock, deadlineAt, save }, entry, head);
  if (digested.kind === "running") return { kind: "running" };
  if (digested.kind === "continues") {
    await work.release(digested.entry);
    return { kind: "continues", doneParts: digested.entry.parts.length };
  }
  const outcome = digested.kind === "digested" ? await publish(options, place, { head, ...digested }) : undefined;
  await work.remove(digested.entry);
  return outcome === undefined ? { kind: "ignored" } : { kind: "manifested", outcome };
}

interface Digested {
  readonly head: HeadedUpload;
  readonly sha256: string;
  readonly parts?: readonly string[];
}

/** Undefined for an object that was replaced meanwhile. */
async function publish(
  options: UploadsOptions,
  place: ObjectPlace,
  { head, sha256, parts }: Digested,
): Promise<PublishOutcome | undefined> {
  const present = await headUpload(options.s3, place);
  if (present?.etag !== head.etag || present.versionId !== head.versionId) return undefined;
  const { size, versionId, contentType, modifiedAt } = head;
  const upload: DigestedUpload = {
    key: place.key,
    size,
    sha256,
    modifiedAt,
    ...(versionId === undefined ? {} : { versionId }),
    ...(contentType === undefined ? {} : { contentType }),
    ...(parts === undefined ? {} : { parts }),
  };
  const name = toUploadName(place.key.slice(options.uploadPrefix?.length));
  const again = {
    ...name,
    version: toOverwrittenVersion(name.version, versionId ?? `${head.etag} ${modifiedAt.getTime()}`),
  };
  const written =
    (await writeManifest(options, toUploadManifest(name, upload))) ??
    (await writeManifest(options, toUploadManifest(again, upload)));
  // Who wrote another manifest under that very name did not see this object.
  return written && options.publisher.onManifest(written);
}

/** Undefined where the name is taken, be it by a version whose manifest lies there no more. */
async function writeManifest(options: UploadsOptions, manifest: Manifest): Promise<ObjectPlace | undefined> {
  const { records, clock } = options;
  const known = await records.get(artifactRecordKey(manifest.name, manifest.version), clock.now());
  const sha256 = digestManifest(toManifestText(manifest));
  const isTaken = known !== undefined && parseArtifactRecord(known.value).manifestSha256 !== sha256;
  return isTaken ? undefined : putManifest(options, manifest);
}

function refuse(logger: Logger, key: string, code: "KEY_INVALID" | "TOO_LARGE"): UploadOutcome {
  logger.warn("An upload is not announced.", { key, code });
  return { kind: "refused", code };
}

/** What came of it. */
type DigestedObject =
  | {
      readonly kind: "digested";
      readonly entry: UploadEntry;
      readonly sha256: string;
      readonly parts?: readonly string[];
    }
  /** The time is over; the progress is kept. */
  | { readonly kind: "continues"; readonly entry: UploadEntry }
  /** The object was replaced meanwhile. */
  | { readonly kind: "replaced"; readonly entry: UploadEntry }
  /** Somebody else has taken it. */
  | { readonly kind: "running" };

/** What it works with. */
interface DigestDeps {
  readonly s3: S3Client;
  readonly bucket: string;
  readonly clock: Clock;
  /** Epoch milliseconds: the process ends then. */
  readonly deadlineAt: number;
  save(entry: UploadEntry, progress: UploadProgress): Promise<UploadEntry | undefined>;
}

/** For what comes behind the digest. */
const RESERVE_MS = 30_000;

/**
 * Digests an object, streamed: a small one at once, a large one part by part, so that the next process goes on where this one
 * ends.
 */
async function digestUpload(deps: DigestDeps, entry: UploadEntry, head: HeadedUpload): Promise<DigestedObject> {
  const partBytes = toPartBytes(head.size);
  try {
    if (partBytes !== undefined) return await digestParts(deps, entry, { head, partBytes });
    const hash = createHash("sha256");
    if (head.size > 0)
      await readRange(deps, { entry, head, from: 0, to: head.size }, (bytes) => void hash.update(bytes));
    return { kind: "digested", entry, sha256: hash.digest("hex") };
  } catch (error) {
    const { name, code } = findAwsFault(error);
    if (name === "PreconditionFailed" || code === "NOT_FOUND") return { kind: "replaced", entry };
    throw toAwsError(error, `s3://${deps.bucket}/${entry.key} cannot be read.`);
  }
}

interface Parted {
  readonly head: HeadedUpload;
  readonly partBytes: number;
}

async function digestParts(deps: DigestDeps, entry: UploadEntry, { head, partBytes }: Parted): Promise<DigestedObject> {
  // What was digested of another object under the key is of no use.
  const state = entry.etag === head.etag ? entry.state : null;
  const whole = createResumableSha256(state ?? undefined);
  const parts = state === null ? [] : [...entry.parts];
  let current: UploadEntry = entry;
  let slowestMs = 0;
  for (let from = parts.length * partBytes; from < head.size; from += partBytes) {
    const startedAt = deps.clock.now();
    if (startedAt + RESERVE_MS + 2 * slowestMs > deps.deadlineAt) return { kind: "continues", entry: current };
    const to = Math.min(head.size, from + partBytes);
    parts.push(await digestPart(deps, { entry, head, from, to }, whole));
    // The last part ends anywhere, where no state can be kept: who dies now repeats it alone.
    const saved = to < head.size ? await keep(deps, current, { etag: head.etag, parts, whole }) : current;
    if (saved === undefined) return { kind: "running" };
    current = saved;
    slowestMs = Math.max(slowestMs, deps.clock.now() - startedAt);
  }
  const digests = parts.map((each) => Buffer.from(each, "base64").toString("hex"));
  return { kind: "digested", entry: current, sha256: whole.digest(), parts: digests };
}

interface Kept {
  readonly etag: string;
  readonly parts: string[];
  readonly whole: ResumableSha256;
}

function keep(deps: DigestDeps, entry: UploadEntry, { etag, parts, whole }: Kept): Promise<UploadEntry | undefined> {
  return deps.save(entry, { etag, parts, state: whole.save() ?? null });
}

interface Range {
  readonly entry: UploadEntry;
  readonly head: HeadedUpload;
  readonly from: number;
  /** Behind the last byte. */
  readonly to: number;
}

async function digestPart(deps: DigestDeps, range: Range, whole: ResumableSha256): Promise<string> {
  const part = createHash("sha256");
  await readRange(deps, range, (bytes) => {
    part.update(bytes);
    whole.update(bytes);
  });
  return part.digest("base64");
}

async function readRange(
  { s3, bucket }: DigestDeps,
  { entry, head, from, to }: Range,
  take: (bytes: Uint8Array) => void,
): Promise<void> {
  const place = { Bucket: bucket, Key: entry.key, ...(head.versionId && { VersionId: head.versionId }) };
  const command = new GetObjectCommand({ ...place, IfMatch: head.etag, Range: `bytes=${from}-${to - 1}` });
  const { Body } = await s3.send(command);
  let left = to - from;
  if (isStream(Body)) {
    for await (const bytes of Body) {
      left -= bytes.byteLength;
      take(bytes);
    }
  }
  if (left !== 0) throw new StackyardError("UNREACHABLE", `s3://${bucket}/${entry.key} was not read to its end.`);
}

/** As the SDK's bodies are in Node. */
function isStream(body: unknown): body is AsyncIterable<Uint8Array> {
  return typeof body === "object" && body !== null && Symbol.asyncIterator in body;
}

const MIB = 1_024 ** 2;
/** So many digests of parts fit into one record. */
const MAX_PARTS = 2_000;

/** The largest upload: 2,000 parts of the largest size. */
const MAX_UPLOAD_BYTES: number = MAX_PARTS * PART_BYTES.max;

/** How large the parts of an upload are that have digests of their own; undefined where it needs none. */
function toPartBytes(size: number): number | undefined {
  if (size <= MAX_WHOLE_BYTES) return undefined;
  return Math.max(MAX_WHOLE_BYTES, Math.ceil(size / MAX_PARTS / MIB) * MIB);
}

/** An uploaded object and its digests. */
interface DigestedUpload {
  readonly key: string;
  readonly versionId?: string;
  readonly size: number;
  readonly sha256: string;
  /** Lower-case hex; undefined where the file is digested in one. */
  readonly parts?: readonly string[];
  readonly contentType?: string;
  /** Of the object; the manifest of an upload is the same whoever makes it. */
  readonly modifiedAt: Date;
}

/** Consumers of the first version rewrote every such file; a file that is no template stays as it is anyway. */
const TEMPLATES = /\.(yaml|yml|template)$/;
const CONTENT_TYPE = /^[\u0020-\u007e]{1,255}$/;

/** The manifest of one uploaded file. */
function toUploadManifest({ name, version }: UploadName, upload: DigestedUpload): Manifest {
  return { v: 1, name, version, createdAt: upload.modifiedAt.toISOString(), files: [toFile(upload)] };
}

function toFile({ key, size, sha256, versionId, contentType, parts }: DigestedUpload): ManifestFile {
  const partBytes = toPartBytes(size) ?? size;
  return {
    key,
    size,
    sha256,
    rewrite: TEMPLATES.test(key) ? "template" : "none",
    ...(versionId === undefined ? {} : { versionId }),
    ...(contentType !== undefined && CONTENT_TYPE.test(contentType) ? { contentType } : {}),
    ...(parts === undefined ? {} : { parts: parts.map((digest, index) => toPart(digest, index)) }),
  };

  function toPart(digest: string, index: number) {
    return { size: Math.min(partBytes, size - index * partBytes), sha256: digest };
  }
}

const UploadProgress = Type.Object({
  /** Of the object that the digests are of; null: none was taken. */
  etag: Type.Union([Type.String(), Type.Null()]),
  /** SHA-256 of finished parts, base64: 2,000 of them fit into a record. */
  parts: Type.Array(Type.String()),
  /** Of the digest of the whole, after those parts. */
  state: Type.Union([Type.String(), Type.Null()]),
});
/** What is known of an object so far. */
type UploadProgress = Static<typeof UploadProgress>;

const compiled = Compile(Type.Object({ ...Claimed, ...UploadProgress.properties }));

/** An upload that is not published yet, held by this process. */
type UploadEntry = Claim<UploadProgress>;

/** Uploads that must become artifacts. */
type UploadWork = ObjectClaims<UploadProgress>;

/** Longer than a part takes: a function lives for a quarter of an hour. */
const TAKEN_MS = 15 * 60_000;

/** Kept in records. */
function createUploadWork(records: Records, clock: Clock): UploadWork {
  const fresh = { etag: null, parts: [], state: null };
  const isClaim = (value: unknown) => compiled.Check(value);
  return createObjectClaims<UploadProgress>(records, clock, { name: "upload", takenMs: TAKEN_MS, fresh, isClaim });
}
