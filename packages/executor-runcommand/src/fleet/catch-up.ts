import { type ArtifactRecord, findArtifactRecord } from "./artifact-records.ts";
import type { Fleet } from "./fleet-deps.ts";
import { type RunIntent, withArtifact } from "./run-intent.ts";
import { startRun } from "./start-run.ts";

/**
 * An instance that starts while a run brings a new artifact to the fleet gets the current one, and the run has been planned
 * without it. When that run succeeds the instance gets the new artifact too; else it would stay behind until the next commit.
 * Called when the instance's own run has ended, so that the older artifact is not applied last. False: it is not known yet.
 */
export async function catchUp(fleet: Fleet, intent: RunIntent): Promise<boolean> {
  const { environment, clock } = fleet;
  const candidate = await findArtifactRecord(fleet, { environment, profile: intent.profile }, "candidate");
  if (candidate === undefined || !mayHaveMissed(candidate, intent)) return true;
  const run = await fleet.runs.find(candidate.runId);
  if (run !== undefined && run.endedAt === undefined) return false;
  if (run?.state !== "succeeded") return true;
  const next = withArtifact(intent, candidate.artifact, clock.now());
  if (next !== undefined) await startRun(fleet, next);
  return true;
}

/** A run that was asked for after the instance had started has it in its plan. */
function mayHaveMissed({ artifact, startedAt }: ArtifactRecord, intent: RunIntent): boolean {
  const { bucket, key, versionId, sha256 } = intent.artifact;
  const isSame =
    artifact.bucket === bucket &&
    artifact.key === key &&
    artifact.versionId === versionId &&
    artifact.sha256 === sha256;
  return !isSame && startedAt <= intent.decidedAt;
}
