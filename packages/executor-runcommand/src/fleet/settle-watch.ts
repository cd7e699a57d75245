import type { RunView } from "@stackyard/core/runs";
import { findArtifactRecord } from "./artifact-records.ts";
import { catchUp } from "./catch-up.ts";
import type { Fleet } from "./fleet-deps.ts";
import { completeLifecycleAction, recordHeartbeat } from "./lifecycle-action.ts";
import { recordArtifact, startWatched } from "./start-run.ts";
import { findWatch, type KeptWatch, removeWatch, replaceWatch, type Watch } from "./watch-records.ts";

/** Enough for a hook whose heartbeat time-out is five minutes or more, with a tick each minute. */
const HEARTBEAT_MS = 120_000;

/** A pipeline that is red for days leaves many runs behind; the tick is there for the launches that wait. */
const LOOK_AGAIN_MS = 3_600_000;

/** What has become of a watch. */
export type WatchOutcome = "started" | "waiting" | "settled";

/**
 * Does what is due for one run: starts it when a crash came in between, sends heartbeats while it goes on, and when it has
 * ended records its artifact and completes the lifecycle actions. Each step may be done again. Throws what a step throws.
 */
export async function settleWatch(fleet: Fleet, kept: KeptWatch): Promise<WatchOutcome> {
  const { intent } = kept.watch;
  const run = await fleet.runs.find(intent.runId);
  if (run === undefined) {
    await startWatched(fleet, intent);
    return "started";
  }
  if (run.endedAt === undefined) {
    await beat(fleet, kept);
    return "waiting";
  }
  if (await finish(fleet, kept.watch, run)) {
    // A lifecycle action that came meanwhile is completed by the next look.
    return (await removeWatch(fleet, kept)) ? "settled" : "waiting";
  }
  await replaceWatch(fleet, kept, toEnded(fleet, kept.watch));
  return "waiting";
}

/** The same for a run that is perhaps not watched over any more. */
export async function settleRun(fleet: Fleet, runId: string): Promise<void> {
  const kept = await findWatch(fleet, runId);
  if (kept !== undefined) await settleWatch(fleet, kept);
}

/** Of a pipeline's run only a retry can come any more; an instance's waits for another run, which may end soon. */
function toEnded({ clock }: Fleet, watch: Watch): Watch {
  const isRare = watch.intent.source === "pipeline";
  return { ...watch, hooks: [], ...(isRare ? { lookAt: clock.now() + LOOK_AGAIN_MS } : {}) };
}

/** False: something may still come of the run, although it has ended. */
async function finish(fleet: Fleet, { intent, hooks }: Watch, run: RunView): Promise<boolean> {
  const isDone = run.state === "succeeded";
  if (isDone) await recordArtifact(fleet, intent, "current");
  for (const hook of hooks) await completeLifecycleAction(fleet, hook, isDone ? "CONTINUE" : "ABANDON");
  if (intent.source === "bootstrap") return catchUp(fleet, intent);
  return isDone || intent.records !== true || isOvertaken(fleet, intent);
}

/** People may retry a run that has failed, and when it succeeds then, its artifact is the current one all the same. */
async function isOvertaken(fleet: Fleet, { profile, decidedAt }: Watch["intent"]): Promise<boolean> {
  const current = await findArtifactRecord(fleet, { environment: fleet.environment, profile }, "current");
  return current !== undefined && current.startedAt > decidedAt;
}

async function beat(fleet: Fleet, kept: KeptWatch): Promise<void> {
  const { watch } = kept;
  const now = fleet.clock.now();
  const { heartbeatMs = HEARTBEAT_MS } = fleet.settings;
  if (watch.hooks.length === 0 || now - watch.heartbeatAt < heartbeatMs) return;
  const hooks = [];
  for (const hook of watch.hooks) if (await recordHeartbeat(fleet, hook)) hooks.push(hook);
  await replaceWatch(fleet, kept, { ...watch, hooks, heartbeatAt: now });
}
