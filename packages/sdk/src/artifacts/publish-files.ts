import type { Readable } from "node:stream";
import type { S3Client } from "@aws-sdk/client-s3";
import { defined, mapOrAbort } from "@stackyard/core";
import {
  createFileDigest,
  createMemoryRoom,
  type FileDigest,
  findSize,
  isReplayable,
  type MemoryRoom,
  readBody,
  SINGLE_BYTES,
  toUploadPartBytes,
} from "./file-parts.ts";
import {
  type Manifest,
  type ManifestFile,
  parseManifest,
  type ServedHeaders,
  toArtifactError,
  toManifestText,
  toSdkError,
} from "./manifest.ts";

import { checkStoredFile, findStandingFile, holdsFile, type StandingFile, uploadFile } from "./upload-file.ts";

/** Where files go. */
interface PublishTarget {
  readonly client: S3Client;
  readonly bucket: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly progress: ProgressTeller;
  readonly signal: AbortSignal;
}

/** A file as in the manifest, and whether it existed already. */
interface PublishedFile {
  readonly file: ManifestFile;
  readonly skipped: boolean;
}

const MEMORY_BYTES = 96 * 1_048_576;
/** Small files wait for answers more than for bytes. */
const LANES = 4;

/**
 * Brings all files to where they belong, some at a time, within 96 MiB of memory (or one part, where that is more). The first
 * failure stops the others; files that were uploaded by then are found the next time.
 */
export async function publishFiles(
  target: PublishTarget,
  files: readonly PlannedFile[],
): Promise<readonly PublishedFile[]> {
  const room = createMemoryRoom(MEMORY_BYTES);
  try {
    return await mapOrAbort(files, LANES, target.signal, async (file, signal) => {
      const published = await publishFile({ ...target, signal }, file, room);
      target.progress.fileDone();
      return published;
    });
  } catch (error) {
    if (!target.signal.aborted) throw error;
    throw toArtifactError("INTERRUPTED", "Publishing was interrupted. Nothing was committed.");
  }
}

/** Returns the digests of a file, without sending it. */
export async function digestFile(
  { body, size }: Pick<PlannedFile, "body" | "size">,
  signal: AbortSignal,
): Promise<FileDigest> {
  const digest = createFileDigest(toUploadPartBytes(size));
  for await (const chunk of readBody(body, signal)) digest.update(chunk);
  return digest.end();
}

async function publishFile(target: PublishTarget, file: PlannedFile, room: MemoryRoom): Promise<PublishedFile> {
  const { client, bucket, signal, progress } = target;
  const { key, size, body } = file;
  const standing = await findStandingFile({ client, bucket, key, signal });
  const found = standing && (await findSame(target, file, standing));
  if (found !== undefined) {
    progress.skipped(found.size);
    return { skipped: true, file: toManifestFile(file, found, standing?.versionId) };
  }
  const condition = standing === undefined ? { IfNoneMatch: "*" as const } : { IfMatch: standing.etag };
  const { contentType, headers } = file;
  const at = { client, bucket, key, condition, metadata: target.metadata };
  const source = { body, size, room, signal, onSent: progress.sent };
  const sent = await uploadFile({ ...at, ...defined({ contentType, headers }) }, source).catch((error: unknown) => {
    throw toSdkError(error, `"${key}" could not be written into the bucket ${bucket}.`);
  });
  const versionId = sent.occupied ? await findOwn(target, key, sent) : sent.versionId;
  return { skipped: false, file: toManifestFile(file, sent, versionId) };
}

/**
 * Returns the digest of the file if it exists already. Sends a stream again if the bucket keeps old versions. Throws
 * `RECORD_CONFLICT` for other bytes in a bucket that does not: a concurrent publisher may commit them.
 */
async function findSame(
  { client, bucket, signal }: PublishTarget,
  file: PlannedFile,
  standing: StandingFile,
): Promise<FileDigest | undefined> {
  const isKept = standing.versionId !== undefined;
  if (isKept && !(isReplayable(file.body) && standing.size === file.size)) return undefined;
  const digest = await digestFile(file, signal);
  if (holdsFile(standing, digest) === "yes") return digest;
  if (isKept) return undefined;
  const { verdict } = await checkStoredFile({ client, bucket, file: { key: file.key, ...digest, parts: [] }, signal });
  if (verdict === "matching") return digest;
  const message = `"${file.key}" holds other content from an unfinished publication, running or interrupted.`;
  throw toArtifactError("RECORD_CONFLICT", message, {
    hint: "If no publisher is running, delete that object, publish another version, or turn on bucket versioning.",
  });
}

/** Returns the version of an existing file that S3 has rejected now. Throws `RECORD_CONFLICT` if it is another one. */
async function findOwn({ client, bucket, signal }: PublishTarget, key: string, sent: FileDigest) {
  const standing = await findStandingFile({ client, bucket, key, signal });
  if (standing !== undefined && holdsFile(standing, sent) === "yes") return standing.versionId;
  const message = `Another publisher is writing "${key}". Is the same version published twice?`;
  throw toArtifactError("RECORD_CONFLICT", message, { hint: "Run it again when the other one is done." });
}

function toManifestFile(file: PlannedFile, digest: FileDigest, versionId: string | undefined): ManifestFile {
  const { size, sha256, parts } = digest;
  return {
    key: file.key,
    size,
    sha256,
    ...toFacts(file),
    ...defined({ versionId }),
    ...(size > SINGLE_BYTES || (file.size === undefined && parts.length > 1) ? { parts: [...parts] } : {}),
  };
}

/** The progress of a publication. */
export interface PublishProgress {
  readonly phase: "checking" | "sending" | "committing";
  readonly files: number;
  readonly filesDone: number;
  /** The size of all files; null while the length of a stream is unknown. */
  readonly bytes: number | null;
  /** Sent, or found standing. */
  readonly bytesDone: number;
  /** Over the last ten seconds; 0 before anything was sent. */
  readonly bytesPerSecond: number;
  /** Null: unknown. */
  readonly secondsLeft: number | null;
}

/** Reports the progress. */
export interface ProgressTeller {
  enter(phase: PublishProgress["phase"]): void;
  sent(bytes: number): void;
  skipped(bytes: number): void;
  fileDone(): void;
}

/** The input of a progress reporter. */
interface ProgressTellerInput {
  readonly sizes: readonly (number | undefined)[];
  /** Returns milliseconds of any origin. */
  readonly now: () => number;
  onProgress(progress: PublishProgress): void;
}

const WINDOW_MS = 10_000;

/** Counts, and reports after each change. */
export function createProgressTeller({ sizes, now, onProgress }: ProgressTellerInput): ProgressTeller {
  const known = sizes.filter((size) => size !== undefined);
  const bytes = known.length === sizes.length ? known.reduce((sum, size) => sum + size, 0) : null;
  const samples: { readonly at: number; readonly sent: number }[] = [];
  let [phase, filesDone, sent, skipped]: [PublishProgress["phase"], number, number, number] = ["checking", 0, 0, 0];

  function tell(): void {
    const at = now();
    samples.push({ at, sent });
    while (samples.length > 2 && (samples[0]?.at ?? at) < at - WINDOW_MS) samples.shift();
    const bytesPerSecond = toRate(samples[0], { at, sent });
    const bytesDone = sent + skipped;
    const left =
      bytes === null || bytesPerSecond === 0 ? null : Math.ceil(Math.max(0, bytes - bytesDone) / bytesPerSecond);
    onProgress({ phase, files: sizes.length, filesDone, bytes, bytesDone, bytesPerSecond, secondsLeft: left });
  }

  return {
    enter(next) {
      phase = next;
      tell();
    },
    sent(count) {
      sent += count;
      tell();
    },
    skipped(count) {
      skipped += count;
      tell();
    },
    fileDone() {
      filesDone += 1;
      tell();
    },
  };
}

interface Sample {
  readonly at: number;
  readonly sent: number;
}

function toRate(first: Sample | undefined, last: Sample): number {
  if (first === undefined || last.at <= first.at) return 0;
  return Math.round(((last.sent - first.sent) * 1_000) / (last.at - first.at));
}

/** A file to publish. */
export interface PublishFile {
  /** Below the artifact's name and version, such as `app.zip` or `templates/vpc.yaml`. */
  readonly path: string;
  /** A path in the file system, bytes, or a stream. A stream is read once, also when a publication finds it standing. */
  readonly body: string | Uint8Array | Readable;
  /** The size of a stream, if known. */
  readonly size?: number;
  readonly contentType?: string;
  /** Other headers with which it is served, also from the buckets of consumers. */
  readonly headers?: ServedHeaders;
  /** `template`: consumers replace the source bucket's name by their own. Default: `none`. */
  readonly rewrite?: "none" | "template";
}

/** The content to publish. */
export interface PublishContent {
  readonly name: string;
  readonly version: string;
  /** Prefix of all keys. Default: none. A missing `/` at its end is added. */
  readonly prefix?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly files: readonly PublishFile[];
}

/** A file with its key, and its length if that is known. */
export interface PlannedFile extends Omit<PublishFile, "path" | "size"> {
  readonly key: string;
  readonly size: number | undefined;
}

/** The plan of a publication: its files, in the order of the keys. */
export interface PublishPlan {
  readonly head: Omit<Manifest, "files">;
  readonly manifestKey: string;
  readonly files: readonly PlannedFile[];
}

const MAX_FILES = 1_000;

const NO_DIGEST = "0".repeat(64);

/** Checks everything before anything is sent. Throws `USAGE` with all faults, `CONFIG_INVALID` for unreadable files. */
export async function planPublish(content: PublishContent, now: number): Promise<PublishPlan> {
  const { name, version, labels = {} } = content;
  if (content.files.length > MAX_FILES) {
    const count = content.files.length.toLocaleString("en");
    throw toArtifactError("USAGE", `An artifact has at most 1,000 files; this one has ${count}.`, {
      hint: "Publish an archive of them, or several artifacts.",
    });
  }
  const folder = `${toPrefix(content.prefix)}${name}/${version}/`;
  const files: PlannedFile[] = [];
  for (const { path, size, ...file } of content.files) {
    // Until the file is read nothing else listens, and an unhandled error would end the process.
    if (!isReplayable(file.body)) file.body.on("error", () => {});
    files.push({ ...file, key: folder + path, size: await findSize(file.body, size) });
  }
  const head = {
    v: 1 as const,
    name,
    version,
    createdAt: new Date(now).toISOString(),
    ...(Object.keys(labels).length === 0 ? {} : { labels: { ...labels } }),
  };
  const plan = {
    head,
    manifestKey: `${folder}manifest.json`,
    files: files.toSorted((a, b) => (a.key < b.key ? -1 : 1)),
  };
  const problems = listProblems(plan);
  if (problems.length === 0) return plan;
  const invalid = [...Map.groupBy(problems, ({ message }) => message)].map(
    ([message, alike]) => `${alike.map(({ what }) => what).join(", ")}: ${message}`,
  );
  throw toArtifactError("USAGE", `Invalid publication. ${invalid.join(" ")}`, { facts: { problems } });
}

/** Normalizes a prefix: `a` and `a/` are equal; an empty one stays empty. */
function toPrefix(prefix = ""): string {
  return prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/`;
}

interface PublishProblem {
  readonly what: string;
  readonly message: string;
}

/** Returns the faults by a distributor's rules, for a manifest with unknown digests. */
function listProblems({ head, manifestKey, files }: PublishPlan): readonly PublishProblem[] {
  const parsed = parseManifest(toManifestText({ ...head, files: files.map(toDraft) }));
  const problems = parsed.kind === "invalid" ? parsed.problems : [];
  const reserved = files.some(({ key }) => key === manifestKey)
    ? [{ what: JSON.stringify(manifestKey), message: "This key is the manifest's own." }]
    : [];
  return [...problems.map(({ pointer, message }) => ({ what: nameOf(pointer, files), message })), ...reserved];
}

function nameOf(pointer: string, files: readonly PlannedFile[]): string {
  const [, index = "", rest = ""] = /^\/files\/(\d+)(.*)$/.exec(pointer) ?? [];
  const key = index === "" ? undefined : files[Number(index)]?.key;
  // A fault of a key is reported with its file.
  return key === undefined ? pointer || "The manifest" : `${JSON.stringify(key)}${rest === "/key" ? "" : rest}`;
}

function toDraft({ key, size = 0, contentType, headers, rewrite }: PlannedFile): ManifestFile {
  const parts = size > SINGLE_BYTES ? { parts: draftParts(size) } : {};
  return { key, size, sha256: NO_DIGEST, ...toFacts({ contentType, headers, rewrite }), ...parts };
}

function draftParts(size: number): { size: number; sha256: string }[] {
  const bytes = toUploadPartBytes(size);
  const parts: { size: number; sha256: string }[] = [];
  for (let left = size; left > 0; left -= bytes) parts.push({ size: Math.min(left, bytes), sha256: NO_DIGEST });
  return parts;
}

/** Returns a file's optional facts for the manifest. */
export function toFacts({
  contentType,
  headers,
  rewrite = "none",
}: {
  readonly contentType?: string | undefined;
  readonly headers?: ServedHeaders | undefined;
  readonly rewrite?: "none" | "template" | undefined;
}): Pick<ManifestFile, "contentType" | "headers" | "rewrite"> {
  return {
    ...defined({ contentType, headers }),
    ...(rewrite === "none" ? {} : { rewrite }),
  };
}
