import type { RunView } from "@stackyard/core/runs";
import type { Fleet } from "./fleet-deps.ts";
import { completeLifecycleAction, recordHeartbeat } from "./lifecycle-action.ts";
import { recordArtifact, startWatched } from "./start-run.ts";
import { findWatch, type KeptWatch, removeWatch, replaceWatch, type Watch } from "./watch-records.ts";

/** Enough for a hook whose heartbeat time-out is five minutes or more, with a tick each minute. */
const HEARTBEAT_MS = 120_000;

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
  await finish(fleet, kept.watch, run);
  // One that came meanwhile is completed by the next look.
  return (await removeWatch(fleet, kept)) ? "settled" : "waiting";
}

/** The same for a run that is perhaps not watched over any more. */
export async function settleRun(fleet: Fleet, runId: string): Promise<void> {
  const kept = await findWatch(fleet, runId);
  if (kept !== undefined) await settleWatch(fleet, kept);
}

async function finish(fleet: Fleet, { intent, hooks }: Watch, run: RunView): Promise<void> {
  const isDone = run.state === "succeeded";
  if (isDone) await recordArtifact(fleet, intent, "current");
  for (const hook of hooks) await completeLifecycleAction(fleet, hook, isDone ? "CONTINUE" : "ABANDON");
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
