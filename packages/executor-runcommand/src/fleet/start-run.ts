import { putArtifactRecord } from "./artifact-records.ts";
import type { Fleet } from "./fleet-deps.ts";
import { toFleetFailure } from "./fleet-error.ts";
import type { LifecycleHook } from "./parse-hook-event.ts";
import type { RunIntent } from "./run-intent.ts";
import { isPassing } from "./stay-with-run.ts";
import { addWatch, findWatch, removeWatch } from "./watch-records.ts";

/**
 * Starts a run that was decided. The watch stands before the run does: what a crash leaves out is done by the event's repeat,
 * or else by the next tick. Doing it again changes nothing.
 */
export async function startRun(fleet: Fleet, intent: RunIntent, hook?: LifecycleHook): Promise<void> {
  await addWatch(fleet, intent, hook);
  await startWatched(fleet, intent);
}

/** The same for a run that is watched over already. */
export async function startWatched(fleet: Fleet, intent: RunIntent): Promise<void> {
  const { target } = fleet.settings;
  const { key, config } = intent;
  const { runId } = await fleet.runs.start({
    key,
    executor: "runcommand",
    config,
    actor: `fleet:${intent.source}`,
    ...(target === undefined ? {} : { target }),
  });
  fleet.logger.info("A run was started.", { runId, source: intent.source, profile: intent.profile });
  await recordCandidate(fleet, intent);
}

/** The same, but a run that cannot be started is watched over no more: no tick may start it once its job has failed. */
export async function startOrForget(fleet: Fleet, intent: RunIntent): Promise<void> {
  try {
    await startWatched(fleet, intent);
  } catch (error) {
    if (!isPassing(error) && (await fleet.runs.find(intent.runId)) === undefined) await forget(fleet, intent.runId);
    throw error;
  }
}

async function forget(fleet: Fleet, runId: string): Promise<void> {
  const kept = await findWatch(fleet, runId);
  if (kept !== undefined) await removeWatch(fleet, kept);
}

/** The run goes on already: whatever is wrong here must not make it look as if it did not. */
async function recordCandidate(fleet: Fleet, intent: RunIntent): Promise<void> {
  try {
    await recordArtifact(fleet, intent, "candidate");
  } catch (error) {
    const { code, message } = toFleetFailure(error);
    fleet.logger.warn("The artifact could not be recorded as candidate.", { runId: intent.runId, code, message });
  }
}

/** Records the artifact of a run, where the run is one that brings artifacts to a fleet. */
export async function recordArtifact(fleet: Fleet, intent: RunIntent, rank: "candidate" | "current"): Promise<void> {
  if (intent.records !== true) return;
  const { environment } = fleet;
  const { profile, artifact, revision, runId, decidedAt: startedAt } = intent;
  await putArtifactRecord(fleet, { environment, profile }, rank, { artifact, revision, runId, startedAt });
}
