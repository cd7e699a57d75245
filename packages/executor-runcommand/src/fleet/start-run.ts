import { defined } from "@stackyard/core";
import { type Fleet, toFleetFailure } from "./fleet-deps.ts";
import { addWatch, findWatch, putArtifactRecord, type RunIntent, removeWatch } from "./fleet-records.ts";
import { isTransient } from "./job-result.ts";
import type { LifecycleHook } from "./parse-instance-event.ts";

/**
 * Starts a decided run. Stores the watch before the run: after a crash, the event's redelivery or the next tick
 * completes it. Repeating it changes nothing.
 */
export async function startRun(fleet: Fleet, intent: RunIntent, hook?: LifecycleHook): Promise<void> {
  await addWatch(fleet, intent, hook);
  await startWatched(fleet, intent);
}

/** Starts a run that is already watched. */
export async function startWatched(fleet: Fleet, intent: RunIntent): Promise<void> {
  const { target } = fleet.settings;
  const { key, config } = intent;
  const { jobId: runId } = await fleet.runs.start({
    key,
    executor: "runcommand",
    config,
    actor: `fleet:${intent.source}`,
    ...defined({ target }),
  });
  fleet.logger.info("A run was started.", { runId, source: intent.source, profile: intent.profile });
  await recordCandidate(fleet, intent);
}

/** Starts a run like `startWatched`, but stops watching one that cannot be started, so no tick starts it after its job has failed. */
export async function startOrForget(fleet: Fleet, intent: RunIntent): Promise<void> {
  try {
    await startWatched(fleet, intent);
  } catch (error) {
    if (!isTransient(error) && (await fleet.runs.find(intent.runId)) === undefined) await forget(fleet, intent.runId);
    throw error;
  }
}

async function forget(fleet: Fleet, runId: string): Promise<void> {
  const kept = await findWatch(fleet, runId);
  if (kept !== undefined) await removeWatch(fleet, kept);
}

/** Records the artifact as candidate. The run has already started, so a failure is only logged. */
async function recordCandidate(fleet: Fleet, intent: RunIntent): Promise<void> {
  try {
    await recordArtifact(fleet, intent, "candidate");
  } catch (error) {
    const { code, message } = toFleetFailure(error);
    fleet.logger.warn("The artifact could not be recorded as candidate.", { runId: intent.runId, code, message });
  }
}

/** Records the artifact of a run that brings artifacts to a fleet. */
export async function recordArtifact(fleet: Fleet, intent: RunIntent, rank: "candidate" | "current"): Promise<void> {
  if (intent.records !== true) return;
  const { environment } = fleet;
  const { profile, artifact, revision, runId, decidedAt: startedAt } = intent;
  await putArtifactRecord(fleet, { environment, profile }, rank, { artifact, revision, runId, startedAt });
}
