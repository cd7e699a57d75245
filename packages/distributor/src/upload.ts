import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { callAws } from "@stackyard/aws";
import { type Clock, defined, StackyardError, silentLogger } from "@stackyard/core";
import {
  digestManifest,
  isManifestKey,
  MAX_WHOLE_BYTES,
  type Manifest,
  type ManifestFile,
  PART_BYTES,
  toManifestText,
} from "@stackyard/sdk/artifacts";
import { createSHA256, type IHasher } from "hash-wasm";
import { type Static, Type } from "typebox";
import { classifyKey, toOverwrittenVersion, toUploadName } from "./artifact-keys.ts";
import type { WrittenObject } from "./events.ts";
import {
  type Claim,
  Claimed,
  createObjectClaims,
  type DrainedClaims,
  type DrainOptions,
  type FreeObject,
  type ObjectClaims,
  type SaveClaim,
} from "./object-claims.ts";
import type { Publisher } from "./publish.ts";
import type { PublishOutcome } from "./publish-outcome.ts";
import { createParser } from "./records.ts";
import { clearRefusal, noteFailure, noteRefusal, type RefusalDeps } from "./refusals.ts";
import { type HeadedUpload, headUpload, putManifest } from "./source-bucket.ts";
import { artifacts, toVersionKey } from "./versions.ts";

/** The outcome for an upload. */
type UploadOutcome =
  /** Its manifest was written; `outcome`: of the publication. */
  | { readonly kind: "manifested"; readonly outcome: PublishOutcome }
  /** The invocation ran out of time: `resume` continues. */
  | { readonly kind: "continues"; readonly doneParts: number }
  | { readonly kind: "running" }
  /** Not an upload of this bucket, or a deleted or replaced one: the later upload has its own event. */
  | { readonly kind: "ignored" }
  | { readonly kind: "refused"; readonly code: "KEY_INVALID" | "TOO_LARGE" };

/** End of the invocation. */
type UploadTime = Pick<DrainOptions, "deadlineAt">;

/** Publishes uploads without a manifest as artifacts. */
interface Uploads {
  /** Processes a new object. Idempotent. */
  onUpload(upload: WrittenObject, time?: UploadTime): Promise<UploadOutcome>;
  /** Resumes unfinished uploads. */
  resume(time?: UploadTime): Promise<DrainedClaims>;
}

/** Dependencies and options. */
export interface UploadsOptions extends RefusalDeps {
  readonly s3: S3Client;
  readonly publisher: Pick<Publisher, "onManifest">;
  readonly bucket: string;
}

/**
 * Digests uploads and writes their manifests. A file of more than 64 MiB is digested part by part, over several invocations if
 * needed. Each file is its own artifact and is announced as it arrives; an overwritten file becomes a new version.
 */
export function createUploads(options: UploadsOptions): Uploads {
  const { records, clock, logger = silentLogger } = options;
  const work = createObjectClaims<UploadProgress>(records, clock, UPLOADS, (claim, error) =>
    noteFailure(options, claim, error),
  );

  async function onUpload(upload: WrittenObject, time: UploadTime = {}): Promise<UploadOutcome> {
    if (upload.bucket !== options.bucket || classifyKey(upload.key, options) !== "upload") return { kind: "ignored" };
    if (!isManifestKey(upload.key)) return refuse(options, upload, "KEY_INVALID");
    const { deadlineAt = Number.POSITIVE_INFINITY } = time;
    const outcome = await work.hold(upload, (entry, save) => finish(options, { work, entry, save, deadlineAt }));
    return outcome ?? { kind: "running" };
  }

  return {
    onUpload,
    resume(time = {}) {
      const resumeOne = async (object: FreeObject) => {
        try {
          const { kind } = await onUpload({ bucket: options.bucket, ...object }, time);
          return kind === "continues" || kind === "running" ? "left" : "finished";
        } catch (error) {
          logger.error("An upload could not be published yet.", { key: object.key, error });
          return "failed";
        }
      };
      return work.drain(resumeOne, time);
    },
  };
}

interface Turn {
  readonly work: ObjectClaims<UploadProgress>;
  readonly entry: UploadEntry;
  readonly save: SaveClaim<UploadProgress>;
  readonly deadlineAt: number;
}

async function finish(options: UploadsOptions, { work, entry, save, deadlineAt }: Turn): Promise<UploadOutcome> {
  const { s3, bucket, clock } = options;
  const place = { bucket, key: entry.key, ...(entry.versionId === null ? {} : { versionId: entry.versionId }) };
  const head = await headUpload(s3, place);
  if (head === undefined || head.size > MAX_UPLOAD_BYTES) {
    const refused = head && (await refuse(options, { ...place, modifiedAt: head.modifiedAt }, "TOO_LARGE"));
    await work.remove(entry);
    return refused ?? { kind: "ignored" };
  }
  const digested = await digestUpload({ s3, bucket, clock, deadlineAt, save }, entry, head);
  if (digested.kind === "running") return { kind: "running" };
  if (digested.kind === "continues") {
    await work.release(digested.entry);
    return { kind: "continues", doneParts: digested.entry.parts.length };
  }
  const outcome = digested.kind === "digested" ? await publish(options, place, { head, ...digested }) : undefined;
  if (outcome !== undefined) await clearRefusal(options, entry.key, head.modifiedAt.getTime());
  await work.remove(digested.entry);
  return outcome === undefined ? { kind: "ignored" } : { kind: "manifested", outcome };
}

interface Digested {
  readonly head: HeadedUpload;
  readonly sha256: string;
  /** Part digests in lower-case hex; undefined for small files. */
  readonly parts?: readonly string[];
}

/** Publishes a digested upload. Returns undefined when the object was replaced meanwhile. */
async function publish(
  options: UploadsOptions,
  place: WrittenObject,
  digested: Digested,
): Promise<PublishOutcome | undefined> {
  const { head } = digested;
  const present = await headUpload(options.s3, place);
  if (present?.etag !== head.etag || present.versionId !== head.versionId) return undefined;
  const { etag, versionId, modifiedAt } = head;
  const { name, version } = toUploadName(place.key.slice(options.uploadPrefix?.length));
  const again = toOverwrittenVersion(version, versionId ?? `${etag} ${modifiedAt.getTime()}`);
  // The time is that of the object, so that every process creates the same manifest.
  const common = { v: 1 as const, name, createdAt: modifiedAt.toISOString(), files: [toFile(place.key, digested)] };
  const written =
    (await writeManifest(options, { ...common, version })) ??
    (await writeManifest(options, { ...common, version: again }));
  // A different manifest under this name belongs to another object.
  return written && options.publisher.onManifest(written);
}

/** Returns undefined when the name is used by other content, even if its manifest was removed. */
async function writeManifest(options: UploadsOptions, manifest: Manifest): Promise<WrittenObject | undefined> {
  const known = await artifacts.find(options, toVersionKey(manifest));
  const sha256 = digestManifest(toManifestText(manifest));
  const isTaken = known !== undefined && known.manifestSha256 !== sha256;
  return isTaken ? undefined : putManifest(options, manifest);
}

const REASONS = {
  KEY_INVALID: "No consumer accepts this key. Upload the file under another one.",
  TOO_LARGE: "The file is larger than an upload may be.",
};

async function refuse(
  options: UploadsOptions,
  { key, modifiedAt }: { readonly key: string; readonly modifiedAt?: Date },
  code: keyof typeof REASONS,
): Promise<UploadOutcome> {
  const writtenAt = modifiedAt?.getTime();
  await noteRefusal(options, { key, code, reason: REASONS[code], ...defined({ writtenAt }), retryUntil: null });
  return { kind: "refused", code };
}

/** The outcome of digesting an object. */
type DigestedObject =
  | (Omit<Digested, "head"> & { readonly kind: "digested"; readonly entry: UploadEntry })
  /** The invocation ran out of time; the progress is saved. */
  | { readonly kind: "continues"; readonly entry: UploadEntry }
  /** The object was replaced meanwhile. */
  | { readonly kind: "replaced"; readonly entry: UploadEntry }
  /** Another process has claimed the object. */
  | { readonly kind: "running" };

/** Dependencies and options. */
interface DigestDeps {
  readonly s3: S3Client;
  readonly bucket: string;
  readonly clock: Clock;
  /** End of the invocation, in epoch milliseconds. */
  readonly deadlineAt: number;
  save(entry: UploadEntry, progress: UploadProgress): Promise<UploadEntry | undefined>;
}

/** Reserved for the steps after the digest. */
const RESERVE_MS = 30_000;

/**
 * Digests an object as a stream. A large one is digested part by part, so that the next invocation can continue.
 */
async function digestUpload(deps: DigestDeps, entry: UploadEntry, head: HeadedUpload): Promise<DigestedObject> {
  const partBytes = toManifestPartBytes(head.size);
  const digest = async (): Promise<DigestedObject> => {
    if (partBytes !== undefined) return digestParts(deps, entry, { head, partBytes });
    const hash = createHash("sha256");
    if (head.size > 0)
      await readRange(deps, { entry, head, from: 0, to: head.size }, (bytes) => void hash.update(bytes));
    return { kind: "digested", entry, sha256: hash.digest("hex") };
  };
  const replaced: DigestedObject = { kind: "replaced", entry };
  const instead = { PreconditionFailed: replaced, gone: replaced };
  return callAws(digest, { what: `s3://${deps.bucket}/${entry.key} cannot be read.`, instead });
}

interface Parted {
  readonly head: HeadedUpload;
  readonly partBytes: number;
}

async function digestParts(deps: DigestDeps, entry: UploadEntry, { head, partBytes }: Parted): Promise<DigestedObject> {
  const whole = await createSHA256();
  // The saved progress is only valid for the same object.
  const isResumed = entry.etag === head.etag && entry.state !== null && restoreState(whole, entry.state);
  const parts = isResumed ? [...entry.parts] : [];
  let current: UploadEntry = entry;
  let slowestMs = 0;
  for (let from = parts.length * partBytes; from < head.size; from += partBytes) {
    const startedAt = deps.clock.now();
    if (startedAt + RESERVE_MS + 2 * slowestMs > deps.deadlineAt) return { kind: "continues", entry: current };
    const to = Math.min(head.size, from + partBytes);
    parts.push(await digestPart(deps, { entry, head, from, to }, whole));
    // After the last part there is nothing left to resume.
    if (to < head.size) {
      const state = Buffer.from(whole.save()).toString("base64");
      const saved = await deps.save(current, { etag: head.etag, parts, state });
      if (saved === undefined) return { kind: "running" };
      current = saved;
    }
    slowestMs = Math.max(slowestMs, deps.clock.now() - startedAt);
  }
  const digests = parts.map((each) => Buffer.from(each, "base64").toString("hex"));
  return { kind: "digested", entry: current, sha256: whole.digest("hex"), parts: digests };
}

/** Continues from a saved state. Returns false when another release of the library wrote it: then the digest starts over. */
function restoreState(whole: IHasher, state: string): boolean {
  try {
    whole.load(Buffer.from(state, "base64"));
    return true;
  } catch {
    return false;
  }
}

interface Range {
  readonly entry: UploadEntry;
  readonly head: HeadedUpload;
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

async function digestPart(deps: DigestDeps, range: Range, whole: IHasher): Promise<string> {
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
  // The SDK's body in Node.
  if (Body instanceof Readable) {
    for await (const bytes of Body) {
      left -= bytes.byteLength;
      take(bytes);
    }
  }
  if (left !== 0) throw new StackyardError("UNREACHABLE", `s3://${bucket}/${entry.key} ended early.`);
}

const MIB = 1_024 ** 2;
/** Maximum number of part digests in one record. */
const MAX_PARTS = 2_000;

/** The largest upload: 2,000 parts of maximum size. */
const MAX_UPLOAD_BYTES: number = MAX_PARTS * PART_BYTES.max;

/**
 * Returns the length of the parts that a manifest lists with their digests, or undefined when it needs none. Stored
 * manifests have it, so it does not change.
 */
function toManifestPartBytes(size: number): number | undefined {
  if (size <= MAX_WHOLE_BYTES) return undefined;
  return Math.max(MAX_WHOLE_BYTES, Math.ceil(size / MAX_PARTS / MIB) * MIB);
}

/** Version 1 consumers rewrite every such file; files that are not templates stay unchanged. */
const TEMPLATES = /\.(yaml|yml|template)$/;
const CONTENT_TYPE = /^[\u0020-\u007e]{1,255}$/;

function toFile(key: string, { head, sha256, parts }: Digested): ManifestFile {
  const { size, versionId, contentType, headers } = head;
  const partBytes = toManifestPartBytes(size) ?? size;
  return {
    key,
    size,
    sha256,
    rewrite: TEMPLATES.test(key) ? "template" : "none",
    ...defined({ versionId, headers }),
    ...(contentType !== undefined && CONTENT_TYPE.test(contentType) ? { contentType } : {}),
    ...(parts && { parts: parts.map(toPart) }),
  };

  function toPart(digest: string, index: number) {
    return { size: Math.min(partBytes, size - index * partBytes), sha256: digest };
  }
}

const UploadProgress = Type.Object({
  /** ETag of the digested object; null before the first part. */
  etag: Type.Union([Type.String(), Type.Null()]),
  /** SHA-256 of finished parts in base64, so that 2,000 of them fit into a record. */
  parts: Type.Array(Type.String()),
  /** State of the digest of the whole after those parts, in base64. */
  state: Type.Union([Type.String(), Type.Null()]),
});
/** The progress of an upload. */
type UploadProgress = Static<typeof UploadProgress>;

/** An unpublished upload, claimed by this process. */
type UploadEntry = Claim<UploadProgress>;

/** Unpublished uploads. */
const UPLOADS = {
  name: "upload",
  /** Longer than a part takes: an invocation lasts at most 15 minutes. */
  takenMs: 15 * 60_000,
  fresh: { etag: null, parts: [], state: null },
  parse: createParser(Type.Object({ ...Claimed, ...UploadProgress.properties })),
};
