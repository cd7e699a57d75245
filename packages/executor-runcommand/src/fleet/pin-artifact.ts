import { createHash } from "node:crypto";
import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { findAwsFault } from "@stackyard/aws";
import type { ArtifactLocation } from "./artifact-location.ts";
import { type FleetFailure, toFailed } from "./fleet-error.ts";

/** One content of an artifact, whatever is written to its place later. */
export interface PinnedArtifact extends ArtifactLocation {
  /** Where the bucket keeps versions. */
  readonly versionId?: string;
  /** Lower-case hex, checked on each instance before anything is unpacked. */
  readonly sha256: string;
}

/** A broken connection is met again at most so often. */
const TRIES = 3;

/**
 * Reads the artifact once, as a stream, and names exactly that content: its version (the newest unless one is given), where
 * there are versions, and its SHA-256. Fails with `ARTIFACT_NOT_FOUND` and `ARTIFACT_ACCESS_DENIED`; throws what else S3 answers.
 */
export async function pinArtifact(
  s3: S3Client,
  { bucket, key, versionId }: ArtifactLocation & { readonly versionId?: string },
  signal?: AbortSignal,
): Promise<PinnedArtifact | FleetFailure> {
  for (let tries = 1; ; tries++) {
    try {
      return await readOnce(s3, { Bucket: bucket, Key: key, ...(versionId && { VersionId: versionId }) }, signal);
    } catch (error) {
      const failure = findReadFailure(error, { bucket, key });
      if (failure !== undefined) return failure;
      if (findAwsFault(error).kind !== "retryable" || tries === TRIES || signal?.aborted === true) throw error;
    }
  }
}

async function readOnce(
  s3: S3Client,
  input: { readonly Bucket: string; readonly Key: string; readonly VersionId?: string },
  abortSignal: AbortSignal | undefined,
): Promise<PinnedArtifact> {
  const get = new GetObjectCommand(input);
  const { Body, VersionId } = await s3.send(get, abortSignal === undefined ? {} : { abortSignal });
  const hash = createHash("sha256");
  for await (const part of toParts(Body)) hash.update(part);
  // "null" is what stands in a bucket whose versioning was suspended, and anybody may replace it.
  const version = VersionId === undefined || VersionId === "null" ? {} : { versionId: VersionId };
  return { bucket: input.Bucket, key: input.Key, ...version, sha256: hash.digest("hex") };
}

/** In Node the SDK gives a readable stream. */
function toParts(body: unknown): AsyncIterable<Uint8Array> {
  if (typeof body === "object" && body !== null && Symbol.asyncIterator in body) {
    return body as AsyncIterable<Uint8Array>;
  }
  throw new TypeError("S3 has answered without a body.");
}

function findReadFailure(error: unknown, { bucket, key }: ArtifactLocation): FleetFailure | undefined {
  const { code, name } = findAwsFault(error);
  const place = `s3://${bucket}/${key}`;
  if (code === "NOT_FOUND") return toFailed("ARTIFACT_NOT_FOUND", `The artifact ${place} is not there (${name}).`);
  if (code !== "FORBIDDEN") return undefined;
  const hint = "Allow s3:GetObject on it, and kms:Decrypt with the key that it is encrypted with.";
  return toFailed("ARTIFACT_ACCESS_DENIED", `The artifact ${place} may not be read (${name}). ${hint}`);
}
