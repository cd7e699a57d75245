import { listPages } from "@stackyard/core";
import type { JobView } from "@stackyard/core/jobs";
import { type Fleet, toFleetFailure } from "./fleet-deps.ts";
import {
  type ArtifactRecord,
  findArtifactRecord,
  findWatch,
  fleetWatches,
  type KeptWatch,
  type RunIntent,
  removeWatch,
  replaceWatch,
  type Watch,
  withArtifact,
} from "./fleet-records.ts";
import { completeLifecycleAction, recordHeartbeat } from "./lifecycle-action.ts";
import { recordArtifact, startRun, startWatched } from "./start-run.ts";
import { tellUnseenStarts } from "./unseen-starts.ts";

/** Enough for a hook whose heartbeat timeout is five minutes or more, with a tick each minute. */
const HEARTBEAT_MS = 120_000;

/** A pipeline that is red for days leaves many runs behind; the tick is there for the launches that wait. */
const LOOK_AGAIN_MS = 3_600_000;

/** The outcome of a watch. */
type WatchOutcome = "started" | "waiting" | "settled";

/**
 * Does the due work for one run: starts it after a crash, sends heartbeats while it is in progress, and when it has
 * ended records its artifact and completes the lifecycle actions. Each step is repeatable. Throws the errors of the
 * steps.
 */
async function settleWatch(fleet: Fleet, kept: KeptWatch): Promise<WatchOutcome> {
  const { intent } = kept.value;
  const run = await fleet.runs.find(intent.runId);
  if (run === undefined) {
    await startWatched(fleet, intent);
    return "started";
  }
  if (run.endedAt === undefined) {
    await beat(fleet, kept);
    return "waiting";
  }
  if (await finish(fleet, kept.value, run)) {
    // A lifecycle action that came meanwhile is completed by the next look.
    return (await removeWatch(fleet, kept)) ? "settled" : "waiting";
  }
  await replaceWatch(fleet, kept, toEnded(fleet, kept.value));
  return "waiting";
}

/** Settles a run that may not be watched any more. */
export async function settleRun(fleet: Fleet, runId: string): Promise<void> {
  const kept = await findWatch(fleet, runId);
  if (kept !== undefined) await settleWatch(fleet, kept);
}

/**
 * Returns the watch of an ended run. Only a retry can follow for a pipeline's run; an instance's waits for another run,
 * which may end soon.
 */
function toEnded({ clock }: Fleet, watch: Watch): Watch {
  const isRare = watch.intent.source === "pipeline";
  return { ...watch, hooks: [], ...(isRare ? { lookAt: clock.now() + LOOK_AGAIN_MS } : {}) };
}

/** Finishes an ended run; returns false if something may still depend on it. */
async function finish(fleet: Fleet, { intent, hooks }: Watch, run: JobView): Promise<boolean> {
  const isDone = run.state === "succeeded";
  if (isDone) await recordArtifact(fleet, intent, "current");
  for (const hook of hooks) await completeLifecycleAction(fleet, hook, isDone ? "CONTINUE" : "ABANDON");
  if (intent.source === "bootstrap") return catchUp(fleet, intent);
  return isDone || intent.records !== true || isOvertaken(fleet, intent);
}

/**
 * Returns true if a newer artifact is current. A failed run may be retried; if it then succeeds, its artifact becomes
 * the current one.
 */
async function isOvertaken(fleet: Fleet, { profile, decidedAt }: Watch["intent"]): Promise<boolean> {
  const current = await findArtifactRecord(fleet, { environment: fleet.environment, profile }, "current");
  return current !== undefined && current.startedAt > decidedAt;
}

async function beat(fleet: Fleet, kept: KeptWatch): Promise<void> {
  const { value: watch } = kept;
  const now = fleet.clock.now();
  const { heartbeatMs = HEARTBEAT_MS } = fleet.settings;
  if (watch.hooks.length === 0 || now - watch.heartbeatAt < heartbeatMs) return;
  const hooks = [];
  for (const hook of watch.hooks) if (await recordHeartbeat(fleet, hook)) hooks.push(hook);
  await replaceWatch(fleet, kept, { ...watch, hooks, heartbeatAt: now });
}

/**
 * Catches up on a new artifact. An instance that starts during a run for the fleet gets the current artifact and is not
 * in that run's plan: if that run succeeds the instance needs the new artifact too, or it would lag until the next
 * commit. Called when the instance's own run has ended, so that the older artifact is not applied last. Returns false
 * if that is unknown yet.
 */
async function catchUp(fleet: Fleet, intent: RunIntent): Promise<boolean> {
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

/** Returns true if the run may have missed the instance. A run that was requested after its start includes it. */
function mayHaveMissed({ artifact, startedAt }: ArtifactRecord, intent: RunIntent): boolean {
  const { bucket, key, versionId, sha256 } = intent.artifact;
  const isSame =
    artifact.bucket === bucket &&
    artifact.key === key &&
    artifact.versionId === versionId &&
    artifact.sha256 === sha256;
  return !isSame && startedAt <= intent.decidedAt;
}

/** The results of a tick. */
export type TickReport = { readonly kind: "tick" } & Readonly<Record<WatchOutcome | "failed", number>>;

/** Looked at side by side. */
const PAGE = 16;

/**
 * Settles every watched run; a schedule calls it each minute, and postpones work that can wait. The next one retries
 * failures. Starts nothing new once the signal is aborted. Throws the errors of listing.
 */
export async function handleTick(fleet: Fleet, signal: AbortSignal): Promise<TickReport> {
  const report = { kind: "tick" as const, started: 0, waiting: 0, settled: 0, failed: 0 };
  for await (const page of listPages((start) => fleetWatches.listNamed(fleet, { limit: PAGE, ...start }))) {
    for (const outcome of await Promise.all(page.items.map((each) => attempt(fleet, each)))) report[outcome] += 1;
    if (signal.aborted) break;
  }
  await lookForStarts(fleet, signal);
  return report;
}

/** A failure keeps no launch waiting: the next tick looks again. */
async function lookForStarts(fleet: Fleet, signal: AbortSignal): Promise<void> {
  try {
    await tellUnseenStarts(fleet, signal);
  } catch (error) {
    const { code, message } = toFleetFailure(error);
    fleet.logger.error("It could not be checked which instances have started.", { code, message });
  }
}

async function attempt(fleet: Fleet, kept: KeptWatch): Promise<WatchOutcome | "failed"> {
  const { lookAt } = kept.value;
  if (lookAt !== undefined && fleet.clock.now() < lookAt) return "waiting";
  try {
    return await settleWatch(fleet, kept);
  } catch (error) {
    const { code, message } = toFleetFailure(error);
    const { runId } = kept.value.intent;
    fleet.logger.error("A run could not be monitored; the next tick retries.", { runId, code, message });
    return "failed";
  }
}
