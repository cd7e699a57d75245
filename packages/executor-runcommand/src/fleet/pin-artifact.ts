import { createHash } from "node:crypto";
import { GetObjectCommand, paginateListObjectsV2, type S3Client } from "@aws-sdk/client-s3";
import { findAwsFault, toAnswer } from "@stackyard/aws";
import { defined, retry } from "@stackyard/core";
import { type Fleet, type FleetFailure, toFailed } from "./fleet-deps.ts";
import { findArtifactRecord, type PinnedArtifact } from "./fleet-records.ts";
import type { ArtifactLocation } from "./parse-pipeline-event.ts";

/** A broken connection is met again at most so often. */
const TRIES = 3;

/**
 * Reads the artifact once, as a stream, and identifies exactly that content: its version (the newest by default) if the
 * bucket has versions, and its SHA-256. Fails with `ARTIFACT_NOT_FOUND` and `ARTIFACT_ACCESS_DENIED`; throws other
 * errors of S3.
 */
export async function pinArtifact(
  s3: S3Client,
  { bucket, key, versionId }: ArtifactLocation & { readonly versionId?: string },
  signal?: AbortSignal,
): Promise<PinnedArtifact | FleetFailure> {
  const input = { Bucket: bucket, Key: key, ...(versionId && { VersionId: versionId }) };
  const isRetryable = (error: unknown) => toAnswer(error) === "passing" && signal?.aborted !== true;
  try {
    return await retry(() => readOnce(s3, input, signal), { tries: TRIES, isRetryable });
  } catch (error) {
    const failure = findReadFailure(error, { bucket, key });
    if (failure === undefined) throw error;
    return failure;
  }
}

async function readOnce(
  s3: S3Client,
  input: { readonly Bucket: string; readonly Key: string; readonly VersionId?: string },
  abortSignal: AbortSignal | undefined,
): Promise<PinnedArtifact> {
  const get = new GetObjectCommand(input);
  const { Body, VersionId } = await s3.send(get, defined({ abortSignal }));
  const hash = createHash("sha256");
  for await (const part of toParts(Body)) hash.update(part);
  // "null" is the version id in a bucket with suspended versioning, and such an object may be replaced.
  const versionId = VersionId === "null" ? undefined : VersionId;
  return defined({ bucket: input.Bucket, key: input.Key, versionId, sha256: hash.digest("hex") });
}

/** Returns the body, a readable stream of the SDK in Node. */
function toParts(body: unknown): AsyncIterable<Uint8Array> {
  if (typeof body === "object" && body !== null && Symbol.asyncIterator in body) {
    return body as AsyncIterable<Uint8Array>;
  }
  throw new TypeError("S3 has answered without a body.");
}

function findReadFailure(error: unknown, { bucket, key }: ArtifactLocation): FleetFailure | undefined {
  const { code, name } = findAwsFault(error);
  const place = `s3://${bucket}/${key}`;
  if (code === "NOT_FOUND") return toFailed("ARTIFACT_NOT_FOUND", `The artifact ${place} does not exist (${name}).`);
  if (code !== "FORBIDDEN") return undefined;
  const hint = "Allow s3:GetObject on it, and kms:Decrypt with the key that it is encrypted with.";
  return toFailed("ARTIFACT_ACCESS_DENIED", `The artifact ${place} may not be read (${name}). ${hint}`);
}

/** An object as S3 lists it. */
export interface ListedObject {
  readonly Key?: string | undefined;
  readonly Size?: number | undefined;
  readonly LastModified?: Date | undefined;
}

/**
 * Returns the prefix of a pipeline's artifact: its name cut to 20 characters, the artifact's cut to 10. CodePipeline
 * does not document it; the first is confirmed by AWS on re:Post, the second is visible in its events.
 */
export function toArtifactPrefix(pipeline: string, artifact: string): string {
  return `${pipeline.slice(0, 20)}/${artifact.slice(0, 10)}/`;
}

/**
 * Returns the newest of the objects; at equal times the one with the greatest key. Ignores folders and empty objects.
 */
export function findNewest<Listed extends ListedObject>(objects: readonly Listed[]): Listed | undefined {
  return objects.filter(isArtifact).reduce<Listed | undefined>((newest, each) => {
    return newest === undefined || isNewer(each, newest) ? each : newest;
  }, undefined);
}

/** Searches every page of the pipeline's own prefix; undefined if it is empty. Throws the errors of S3. */
export async function findNewestArtifact(
  s3: S3Client,
  { bucket, pipeline, artifact }: { readonly bucket: string; readonly pipeline: string; readonly artifact: string },
): Promise<ArtifactLocation | undefined> {
  const input = { Bucket: bucket, Prefix: toArtifactPrefix(pipeline, artifact) };
  let newest: ListedObject | undefined;
  for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, input)) {
    newest = findNewest(newest === undefined ? Contents : [newest, ...Contents]);
  }
  return newest?.Key === undefined ? undefined : { bucket, key: newest.Key };
}

function isArtifact({ Key = "", Size = 0 }: ListedObject): boolean {
  return Key !== "" && !Key.endsWith("/") && Size > 0;
}

function isNewer(one: ListedObject, other: ListedObject): boolean {
  const difference = toTime(one) - toTime(other);
  if (difference !== 0) return difference > 0;
  return Buffer.compare(Buffer.from(one.Key ?? ""), Buffer.from(other.Key ?? "")) > 0;
}

function toTime({ LastModified }: ListedObject): number {
  return LastModified?.getTime() ?? 0;
}

/**
 * Returns the artifact for an instance that starts now: the current one of its environment and profile, or the
 * pipeline's newest if none exists yet and the settings allow it. Fails with `ARTIFACT_NOT_FOUND` and
 * `ARTIFACT_ACCESS_DENIED`.
 */
export async function findBootArtifact(fleet: Fleet, signal: AbortSignal): Promise<PinnedArtifact | FleetFailure> {
  const { boot, environment } = fleet;
  const { profile, fallback, source } = boot;
  const current = await findArtifactRecord(fleet, { environment, profile }, "current");
  if (current !== undefined) return current.artifact;
  const none = `No run of the profile "${profile}" has succeeded in the environment "${environment}" yet`;
  if (fallback !== "newest") return toFailed("ARTIFACT_NOT_FOUND", `${none}. Let the pipeline run.`);
  if (source === undefined) {
    return toFailed("ARTIFACT_NOT_FOUND", `${none}, and the settings do not name the pipeline whose newest to take.`);
  }
  const { S3Client } = await import("@aws-sdk/client-s3");
  const s3 = fleet.aws.own.client(S3Client, undefined);
  const newest = await findNewestArtifact(s3, source);
  if (newest !== undefined) return pinArtifact(s3, newest, signal);
  const { pipeline, artifact, bucket } = source;
  const why = `the bucket "${bucket}" contains no "${artifact}" of the pipeline "${pipeline}"`;
  return toFailed("ARTIFACT_NOT_FOUND", `${none}, and ${why}.`);
}
