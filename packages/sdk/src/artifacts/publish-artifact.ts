import type { S3Client } from "@aws-sdk/client-s3";
import { defined, formatNames, isStackyardError, mapLimited } from "@stackyard/core";
import {
  digestManifest,
  MAX_MANIFEST_BYTES,
  type Manifest,
  type ManifestFile,
  type ManifestProblem,
  parseManifest,
  statusOf,
  toArtifactError,
  toManifestText,
  toSdkError,
} from "./manifest.ts";
import {
  createProgressTeller,
  digestFile,
  type ProgressTeller,
  type PublishContent,
  type PublishPlan,
  type PublishProgress,
  planPublish,
  publishFiles,
} from "./publish-files.ts";
import { findStandingFile, holdsFile, toBase64 } from "./upload-file.ts";

/** The input of a publication: its content and its place. */
export interface PublishInput extends PublishContent {
  /** Set its timeouts for publishing: a file may take any time, but a `socketTimeout` ends silent connections. */
  readonly client: S3Client;
  readonly bucket: string;
  readonly onProgress?: (progress: PublishProgress) => void;
  readonly signal?: AbortSignal | undefined;
  /** Returns epoch milliseconds. Default: the machine's clock. */
  readonly now?: () => number;
}

/** A publication that has succeeded. */
export interface PublishResult {
  /**
   * `already-published`: the same content was published earlier. Only its manifest was written again, so that a distributor that
   * had refused it checks it again.
   */
  readonly outcome: "published" | "already-published";
  /** As stored. */
  readonly manifest: Manifest;
  readonly manifestKey: string;
  readonly manifestSha256: string;
  readonly bytes: number;
  readonly uploadedBytes: number;
  /** Keys of files that existed already. */
  readonly skipped: readonly string[];
}

/**
 * Publishes an artifact: the files first, then the manifest, which commits it. It may be repeated after any failure,
 * with new streams: existing files are not sent again. Throws `VERSION_CONFLICT` (`findArtifactCode`) when the version
 * is published with other content, `SOURCE_MISSING` when it is published but a file is not in the bucket, `USAGE` for content that can never be published, `CONFIG_INVALID`, `SIZE_MISMATCH`,
 * `RECORD_CONFLICT` (another publisher), `INTERRUPTED`, `FORBIDDEN`, `UNREACHABLE` and other errors of S3. Nothing is
 * committed then, unless the response to the commit itself was lost; repeat it to find out.
 */
export async function publishArtifact(input: PublishInput): Promise<PublishResult> {
  const { client, bucket, now = Date.now, signal = new AbortController().signal, onProgress = () => {} } = input;
  const plan = await planPublish(input, now());
  const place = { client, bucket, manifestKey: plan.manifestKey, signal };
  const progress = createProgressTeller({ sizes: plan.files.map(({ size }) => size), now, onProgress });
  try {
    progress.enter("checking");
    const standing = await findManifest(place);
    if (standing !== undefined) {
      const already = toAlready(plan, standing, await digestFiles(plan, progress, signal));
      await checkPresent(place, standing.manifest);
      await touchManifest(place, standing);
      return already;
    }
    return await publish(plan, place, progress);
  } catch (error) {
    // An aborted call fails in many ways.
    if (!signal.aborted || isStackyardError(error, "INTERRUPTED")) throw error;
    throw toArtifactError("INTERRUPTED", "Publishing was interrupted.", { cause: error });
  }
}

async function publish(plan: PublishPlan, place: ManifestPlace, progress: ProgressTeller): Promise<PublishResult> {
  const { client, bucket, signal } = place;
  progress.enter("sending");
  const metadata = { "stackyard-version": plan.head.version };
  const published = await publishFiles({ client, bucket, signal, metadata, progress }, plan.files);
  const files = published.map(({ file }) => file);
  progress.enter("committing");
  const manifest = { ...plan.head, files };
  const committed = (await commitManifest(place, manifest)) ?? (await findWinner(place));
  // The very same text is ours: the answer to an earlier try was lost.
  if (committed.manifestSha256 !== digestManifest(toManifestText(manifest))) return toAlready(plan, committed, files);
  const sent = published.filter(({ skipped }) => !skipped).map(({ file }) => file);
  return {
    outcome: "published",
    ...committed,
    manifestKey: plan.manifestKey,
    bytes: sumOf(files),
    uploadedBytes: sumOf(sent),
    skipped: published.filter(({ skipped }) => skipped).map(({ file }) => file.key),
  };
}

/** Finds the manifest that another publisher wrote in the meantime. */
async function findWinner(place: ManifestPlace): Promise<StandingManifest> {
  const winner = await findManifest(place);
  if (winner !== undefined) return winner;
  const message = `Another publisher is writing the manifest "${place.manifestKey}".`;
  throw toArtifactError("RECORD_CONFLICT", message, { hint: "Run it again." });
}

type Digested = Pick<ManifestFile, "key" | "size" | "sha256" | "rewrite">;

async function digestFiles(
  { files }: PublishPlan,
  progress: ProgressTeller,
  signal: AbortSignal,
): Promise<readonly Digested[]> {
  const digested: Digested[] = [];
  for (const file of files) {
    const { size, sha256 } = await digestFile(file, signal);
    digested.push({ key: file.key, size, sha256, ...defined({ rewrite: file.rewrite }) });
    progress.skipped(size);
    progress.fileDone();
  }
  return digested;
}

function toAlready(plan: PublishPlan, standing: CommittedManifest, files: readonly Digested[]): PublishResult {
  const { manifest, manifestSha256 } = standing;
  const differing = compareFiles(files, manifest.files);
  const { name, version } = plan.head;
  if (differing.length > 0) {
    const keys = differing.map((key) => JSON.stringify(key));
    const message = `${name} ${version} is published with other content: ${formatNames(keys, 5)}.`;
    throw toArtifactError("VERSION_CONFLICT", message, {
      hint: "A version never changes. Publish this content under another version.",
      facts: { differing: differing.slice(0, 100), manifestSha256 },
    });
  }
  return {
    outcome: "already-published",
    manifest,
    manifestSha256,
    manifestKey: plan.manifestKey,
    bytes: sumOf(files),
    uploadedBytes: 0,
    skipped: files.map(({ key }) => key),
  };
}

const AT_ONCE = 8;

/** Throws `SOURCE_MISSING` when the bucket does not hold the files of a published version: its distributor refuses it. */
async function checkPresent({ client, bucket, signal }: ManifestPlace, manifest: Manifest): Promise<void> {
  const missing = await mapLimited(manifest.files, AT_ONCE, async (file) => {
    const { key, versionId } = file;
    try {
      const found = await findStandingFile({ client, bucket, key, signal, ...defined({ versionId }) });
      return found === undefined || holdsFile(found, file) === "no" ? [key] : [];
    } catch (error) {
      // A publisher needs no permission to read versions of objects.
      if (isStackyardError(error, "FORBIDDEN")) return [];
      throw error;
    }
  });
  const keys = missing.flat().map((key) => JSON.stringify(key));
  if (keys.length === 0) return;
  const message = `${manifest.name} ${manifest.version} has a manifest, but not its files: ${formatNames(keys, 1)}.`;
  throw toArtifactError("SOURCE_MISSING", message, {
    hint: "Put back what the manifest names, or publish another version.",
    facts: { missing: missing.flat().slice(0, 100) },
  });
}

/** Writes the same manifest again: the event of the bucket makes the distributor look again. */
async function touchManifest({ client, bucket, manifestKey, signal }: ManifestPlace, standing: StandingManifest) {
  const { text, etag, manifestSha256 } = standing;
  const { PutObjectCommand } = await import("@aws-sdk/client-s3");
  const command = new PutObjectCommand({
    ...toManifestObject(bucket, manifestKey, text, manifestSha256),
    IfMatch: etag,
  });
  try {
    await client.send(command, { abortSignal: signal });
  } catch (error) {
    // Another publisher was faster, or the manifest was removed meanwhile.
    if ([404, 409, 412].includes(statusOf(error) ?? 0)) return;
    throw toSdkError(error, `The manifest "${manifestKey}" could not be written again into the bucket ${bucket}.`);
  }
}

function sumOf(files: readonly { readonly size: number }[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}

/** The location of a manifest. */
interface ManifestPlace {
  readonly client: S3Client;
  readonly bucket: string;
  readonly manifestKey: string;
  readonly signal: AbortSignal;
}

/** A manifest in the bucket. */
interface CommittedManifest {
  readonly manifest: Manifest;
  readonly manifestSha256: string;
}

/** An existing manifest. */
interface StandingManifest extends CommittedManifest {
  readonly text: string;
  readonly etag: string | undefined;
}

/** Finds the stored manifest; undefined when its key is free. Throws `MANIFEST_INVALID` when the object is not a manifest. */
async function findManifest(place: ManifestPlace): Promise<StandingManifest | undefined> {
  const { bucket, manifestKey } = place;
  const loaded = await loadText(place);
  if (loaded === undefined) return undefined;
  const { text, etag } = loaded;
  const parsed = parseManifest(text);
  if (parsed.kind === "manifest")
    return { manifest: parsed.manifest, manifestSha256: digestManifest(text), text, etag };
  const message = `"${manifestKey}" in the bucket ${bucket} is not a manifest: ${formatProblems(parsed.problems)}`;
  throw toArtifactError("MANIFEST_INVALID", message, { hint: "Check who wrote it, and publish another version." });
}

/**
 * Writes the manifest unless one exists: this is the commit. Undefined: another publisher was first. Throws
 * `MANIFEST_INVALID` for a manifest that readers would reject.
 */
export async function commitManifest(place: ManifestPlace, manifest: Manifest): Promise<CommittedManifest | undefined> {
  const { client, bucket, manifestKey, signal } = place;
  const text = toManifestText(manifest);
  const manifestSha256 = digestManifest(text);
  checkReadable(place, text);
  const { PutObjectCommand } = await import("@aws-sdk/client-s3");
  const object = toManifestObject(bucket, manifestKey, text, manifestSha256);
  try {
    await client.send(new PutObjectCommand({ ...object, IfNoneMatch: "*" }), { abortSignal: signal });
    return { manifest, manifestSha256 };
  } catch (error) {
    // 412: it exists. 409: a concurrent write (S3 user guide, "Conditional writes").
    if (statusOf(error) === 412 || statusOf(error) === 409) return undefined;
    throw toSdkError(error, `The manifest "${manifestKey}" could not be written into the bucket ${bucket}.`);
  }
}

function toManifestObject(Bucket: string, Key: string, Body: string, sha256: string) {
  const Metadata = { "stackyard-sha256": sha256 };
  return { Bucket, Key, Body, ContentType: "application/json", ChecksumSHA256: toBase64(sha256), Metadata };
}

/** Throws for an invalid manifest, such as too many parts: a version never changes, so it could not be repaired. */
function checkReadable({ manifestKey }: ManifestPlace, text: string): void {
  const parsed = parseManifest(text);
  if (parsed.kind === "manifest") return;
  const message = `"${manifestKey}" would not be a valid manifest: ${formatProblems(parsed.problems)}`;
  throw toArtifactError("MANIFEST_INVALID", message, {
    hint: "Publish several artifacts, or an archive of the files.",
  });
}

function formatProblems([problem]: readonly ManifestProblem[]): string {
  return `${problem?.pointer ?? ""} ${problem?.message ?? ""}`.trim();
}

/** Keys of files that are in one only, or differ. Labels and instants are not content. */
function compareFiles(
  a: readonly Pick<ManifestFile, "key" | "size" | "sha256" | "rewrite">[],
  b: readonly Pick<ManifestFile, "key" | "size" | "sha256" | "rewrite">[],
): readonly string[] {
  const [ofA, ofB] = [toLines(a), toLines(b)];
  const keys = new Set([...ofA.keys(), ...ofB.keys()]);
  return [...keys].filter((key) => ofA.get(key) !== ofB.get(key)).toSorted();
}

function toLines(
  files: readonly Pick<ManifestFile, "key" | "size" | "sha256" | "rewrite">[],
): ReadonlyMap<string, string> {
  return new Map(files.map(({ key, size, sha256, rewrite = "none" }) => [key, `${size} ${sha256} ${rewrite}`]));
}

async function loadText({
  client,
  bucket,
  manifestKey,
  signal,
}: ManifestPlace): Promise<Pick<StandingManifest, "text" | "etag"> | undefined> {
  const { GetObjectCommand } = await import("@aws-sdk/client-s3");
  try {
    const command = new GetObjectCommand({ Bucket: bucket, Key: manifestKey });
    const { Body, ContentLength = 0, ETag: etag } = await client.send(command, { abortSignal: signal });
    if (ContentLength > MAX_MANIFEST_BYTES) return { text: "", etag };
    return { text: (await Body?.transformToString()) ?? "", etag };
  } catch (error) {
    if (statusOf(error) === 404 && !(error instanceof Error && error.name === "NoSuchBucket")) return undefined;
    const advice =
      statusOf(error) === 403 ? " Allow s3:GetObject, and s3:ListBucket, without which S3 denies what is missing." : "";
    throw toSdkError(error, `"${manifestKey}" in the bucket ${bucket} could not be read.${advice}`);
  }
}
