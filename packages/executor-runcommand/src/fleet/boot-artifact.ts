import { findArtifactRecord } from "./artifact-records.ts";
import type { Fleet } from "./fleet-deps.ts";
import { type FleetFailure, toFailed } from "./fleet-error.ts";
import { findNewestArtifact } from "./newest-artifact.ts";
import { type PinnedArtifact, pinArtifact } from "./pin-artifact.ts";

/**
 * What an instance that starts now gets: the current artifact of its environment and profile, and where there is none yet,
 * and the settings say so, the pipeline's newest. Fails with `ARTIFACT_NOT_FOUND` and `ARTIFACT_ACCESS_DENIED`.
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
  const why = `the bucket "${bucket}" holds no "${artifact}" of the pipeline "${pipeline}"`;
  return toFailed("ARTIFACT_NOT_FOUND", `${none}, and ${why}.`);
}
