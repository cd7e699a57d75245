import type { S3Client } from "@aws-sdk/client-s3";
import { isStackyardError } from "@stackyard/core";
import { toArtifactError } from "../artifact-error.ts";
import type { Manifest, ManifestFile } from "../manifest.ts";
import { digestManifest, toManifestText } from "../manifest-text.ts";
import {
  commitManifest,
  compareFiles,
  findManifest,
  type ManifestPlace,
  type StandingManifest,
} from "./commit-manifest.ts";
import { digestFile, publishFiles } from "./publish-files.ts";
import { type PublishContent, type PublishPlan, planPublish } from "./publish-plan.ts";
import { createProgressTeller, type ProgressTeller, type PublishProgress } from "./publish-progress.ts";

/** What to publish, and where. */
export interface PublishInput extends PublishContent {
  /** Its limits of time are those of publishing: how long a file takes nobody knows, but a `socketTimeout` ends what is silent. */
  readonly client: S3Client;
  readonly bucket: string;
  readonly onProgress?: (progress: PublishProgress) => void;
  readonly signal?: AbortSignal;
  /** Epoch milliseconds. Default: the machine's clock. */
  readonly now?: () => number;
}

/** A publication that has succeeded. */
export interface PublishResult {
  /** `already-published`: the same content stands there since an earlier time; nothing was written. */
  readonly outcome: "published" | "already-published";
  /** As it stands. */
  readonly manifest: Manifest;
  readonly manifestKey: string;
  readonly manifestSha256: string;
  readonly bytes: number;
  readonly uploadedBytes: number;
  /** Keys of files that stood already. */
  readonly skipped: readonly string[];
}

/**
 * Publishes an artifact: the files first, then the manifest, whose appearance is the commit. It may be repeated after any
 * failure, with new streams: what stands is not sent again. Throws `VERSION_CONFLICT` (`findArtifactCode`) when the version is published with other
 * content, `USAGE` for what could never be published, `CONFIG_INVALID`, `SIZE_MISMATCH`, `RECORD_CONFLICT` (another publisher),
 * `INTERRUPTED`, `FORBIDDEN`, `UNREACHABLE` and what else S3 answers. Nothing is committed then; unless the answer to the
 * commit itself was lost, which a repetition finds out.
 */
export async function publishArtifact(input: PublishInput): Promise<PublishResult> {
  const { client, bucket, now = Date.now, signal = new AbortController().signal, onProgress = () => {} } = input;
  const plan = await planPublish(input, now());
  const place = { client, bucket, manifestKey: plan.manifestKey, signal };
  const progress = createProgressTeller({ sizes: plan.files.map(({ size }) => size), now, onProgress });
  try {
    progress.enter("checking");
    const standing = await findManifest(place);
    if (standing !== undefined) return toAlready(plan, standing, await digestFiles(plan, progress, signal));
    return await publish(plan, place, progress);
  } catch (error) {
    // What was aborted fails in many ways.
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

/** Whoever wrote the manifest in the meantime. */
async function findWinner(place: ManifestPlace): Promise<StandingManifest> {
  const winner = await findManifest(place);
  if (winner !== undefined) return winner;
  const message = `Somebody else writes the manifest "${place.manifestKey}" at this moment.`;
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
    digested.push({ key: file.key, size, sha256, ...(file.rewrite === undefined ? {} : { rewrite: file.rewrite }) });
    progress.skipped(size);
    progress.fileDone();
  }
  return digested;
}

function toAlready(plan: PublishPlan, standing: StandingManifest, files: readonly Digested[]): PublishResult {
  const differing = compareFiles(files, standing.manifest.files);
  const { name, version } = plan.head;
  if (differing.length > 0) {
    const few = differing.slice(0, 5).map((key) => JSON.stringify(key));
    const more = differing.length > few.length ? ` and ${differing.length - few.length} more` : "";
    const message = `${name} ${version} is published with other content: ${few.join(", ")}${more}.`;
    throw toArtifactError("VERSION_CONFLICT", message, {
      hint: "A version never changes. Publish this content under another version.",
      facts: { differing: differing.slice(0, 100), manifestSha256: standing.manifestSha256 },
    });
  }
  return {
    outcome: "already-published",
    ...standing,
    manifestKey: plan.manifestKey,
    bytes: sumOf(files),
    uploadedBytes: 0,
    skipped: files.map(({ key }) => key),
  };
}

function sumOf(files: readonly { readonly size: number }[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}
