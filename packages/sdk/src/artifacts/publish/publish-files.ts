import type { S3Client } from "@aws-sdk/client-s3";
import { toArtifactError } from "../artifact-error.ts";
import type { ManifestFile } from "../manifest.ts";
import { toSdkError } from "../to-sdk-error.ts";
import { checkStoredFile } from "./check-stored-file.ts";
import { isReplayable, readBody } from "./file-body.ts";
import { createFileDigest, type FileDigest } from "./file-digest.ts";
import { createMemoryRoom, type MemoryRoom } from "./memory-room.ts";
import { SINGLE_BYTES, toPartBytes } from "./part-bytes.ts";
import { type PlannedFile, toFacts } from "./publish-plan.ts";
import type { ProgressTeller } from "./publish-progress.ts";
import { findStandingFile, holdsFile, type StandingFile } from "./standing-file.ts";
import { uploadFile } from "./upload-file.ts";

/** Where files go. */
export interface PublishTarget {
  readonly client: S3Client;
  readonly bucket: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly progress: ProgressTeller;
  readonly signal: AbortSignal;
}

/** A file as the manifest has it, and whether it stood already. */
export interface PublishedFile {
  readonly file: ManifestFile;
  readonly skipped: boolean;
}

const MEMORY_BYTES = 96 * 1_048_576;
/** Small files wait for answers more than for bytes. */
const LANES = 4;

/**
 * Brings all files to where they belong, some at a time, within 96 MiB of memory (or one part, where that is more). The first
 * failure stops the others; what stands by then is found the next time.
 */
export async function publishFiles(
  target: PublishTarget,
  files: readonly PlannedFile[],
): Promise<readonly PublishedFile[]> {
  const stop = new AbortController();
  const signal = AbortSignal.any([target.signal, stop.signal]);
  const room = createMemoryRoom(MEMORY_BYTES);
  const published = new Map<number, PublishedFile>();
  const failures: unknown[] = [];
  const waiting = files.entries();
  const lane = async () => {
    for (const [index, file] of waiting) {
      if (signal.aborted) return;
      published.set(index, await publishFile({ ...target, signal }, file, room));
      target.progress.fileDone();
    }
  };
  const lanes = Array.from({ length: LANES }, () =>
    lane().catch((error: unknown) => {
      failures.push(error);
      stop.abort();
    }),
  );
  await Promise.all(lanes);
  if (target.signal.aborted) throw toArtifactError("INTERRUPTED", "Publishing was interrupted. Nothing was committed.");
  if (failures.length > 0) throw failures[0];
  return files.flatMap((_, index) => published.get(index) ?? []);
}

/** What a file is known by, without sending it. */
export async function digestFile(
  { body, size }: Pick<PlannedFile, "body" | "size">,
  signal: AbortSignal,
): Promise<FileDigest> {
  const digest = createFileDigest(toPartBytes(size));
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
  const { contentType } = file;
  const at = { client, bucket, key, condition, metadata: target.metadata };
  const source = { body, size, room, signal, onSent: progress.sent };
  const sent = await uploadFile({ ...at, ...(contentType === undefined ? {} : { contentType }) }, source).catch(
    (error: unknown) => {
      throw toSdkError(error, `"${key}" could not be written into the bucket ${bucket}.`);
    },
  );
  const versionId = sent.occupied ? await findOwn(target, key, sent) : sent.versionId;
  return { skipped: false, file: toManifestFile(file, sent, versionId) };
}

/**
 * The digest of the file, if it stands already. What can be read only once is sent again, where the bucket keeps what it replaces.
 * Throws `RECORD_CONFLICT` for other bytes in a bucket that does not: they may be of a version that somebody commits right now.
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
  const message = `Under "${file.key}" stands something else, of nobody who has finished: another publisher, or one that broke off.`;
  throw toArtifactError("RECORD_CONFLICT", message, {
    hint: "Where nobody publishes this version, delete that object, or publish another version. A bucket with versioning needs neither.",
  });
}

/** The version of a file that stands although S3 has not taken it now. Throws `RECORD_CONFLICT` where it is another's. */
async function findOwn({ client, bucket, signal }: PublishTarget, key: string, sent: FileDigest) {
  const standing = await findStandingFile({ client, bucket, key, signal });
  if (standing !== undefined && holdsFile(standing, sent) === "yes") return standing.versionId;
  const message = `Somebody else writes "${key}" at this moment: is the same version published twice?`;
  throw toArtifactError("RECORD_CONFLICT", message, { hint: "Run it again when the other one is done." });
}

function toManifestFile(file: PlannedFile, digest: FileDigest, versionId: string | undefined): ManifestFile {
  const { size, sha256, parts } = digest;
  return {
    key: file.key,
    size,
    sha256,
    ...toFacts(file),
    ...(versionId === undefined ? {} : { versionId }),
    ...(size > SINGLE_BYTES || (file.size === undefined && parts.length > 1) ? { parts: [...parts] } : {}),
  };
}
