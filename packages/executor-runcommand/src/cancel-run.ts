import { type Failed, failed, running } from "@stackyard/core";
import { CANCEL_WAIT_MS, type RunCommandStep } from "./definition.ts";
import { type FleetRun, listInstances, noteStopped, type RunStop, tallyOf } from "./fleet-run.ts";
import { recoverSending } from "./send-wave.ts";
import { AwsCallError } from "./ssm/call-aws.ts";
import { cancelCommand } from "./ssm/cancel-commands.ts";
import { type StepDeps, toEnd } from "./step-deps.ts";
import { toMessage } from "./to-message.ts";
import { toPollMs } from "./to-poll-ms.ts";
import { listOpenCommands } from "./watch-run.ts";

const CANCELLED: RunStop = { code: "RUN_CANCELLED", message: "The run was cancelled.", retryable: false };

/**
 * Sends nothing more and asks SSM to cancel what runs; the run is polled on until that has ended. That it is cancelled is
 * noted before anything is asked of SSM, so that whoever polls a run whose cancel was interrupted goes on with it.
 */
export async function cancelRun(deps: StepDeps): Promise<RunCommandStep> {
  const { aws, ctx, store, runId } = deps;
  const loaded = await store.load();
  if (loaded === undefined) return toNothingSent();
  if (loaded.state.endedAt !== undefined) return toEnd(deps, loaded);
  const noted = noteCancelled(loaded, ctx);
  await store.save(noted);
  const cancelled = noteStopped(await recoverSending(aws, await store.loadAll(noted)), CANCELLED);
  await store.save(cancelled);
  if (await cancelCommands(deps, cancelled)) {
    await store.save({ ...cancelled, state: { ...cancelled.state, isCancelAsked: true } });
  }
  const message = `Cancelling. ${toMessage(tallyOf(cancelled))}`;
  return running({ progress: { runId, polls: 0, outages: 0 }, pollAfterMs: toPollMs(0), message });
}

/** True once there is nothing left to ask of SSM, or no time to: the run is only watched. */
export async function isCancelAsked({ ctx, store }: StepDeps): Promise<boolean> {
  const state = (await store.load())?.state;
  if (state === undefined || state.attempt !== ctx.idempotencyKey) return false;
  const { isCancelAsked: isAsked = false, cancelledAt } = state;
  return isAsked || (cancelledAt !== undefined && ctx.clock.now() - cancelledAt >= CANCEL_WAIT_MS);
}

/** Where the run is still that of an earlier attempt, it is this one's from now on: a poll must not begin it again. */
function noteCancelled(run: FleetRun, { clock, idempotencyKey: attempt }: StepDeps["ctx"]): FleetRun {
  const { state } = run;
  const before = state.attempt === attempt ? state.cancelledAt : undefined;
  const stop = state.stop ?? CANCELLED;
  return { ...run, state: { ...state, attempt, stop, cancelledAt: before ?? clock.now() } };
}

function toNothingSent(): Failed {
  const message = "The run was cancelled before anything was sent.";
  return failed({ code: "RUN_CANCELLED", message, retryable: false });
}

/** False where SSM is to be asked again. */
async function cancelCommands(deps: StepDeps, run: FleetRun): Promise<boolean> {
  let isAsked = true;
  for (const commandId of listOpenCommands(run)) isAsked = (await cancelOne(deps, run, commandId)) && isAsked;
  return isAsked;
}

/** What SSM refuses to cancel ends by itself. */
async function cancelOne({ aws, ctx }: StepDeps, run: FleetRun, commandId: string): Promise<boolean> {
  const ids = listInstances(run).flatMap((instance) =>
    instance.state === "running" && instance.commandId === commandId ? [instance.instanceId] : [],
  );
  try {
    await cancelCommand(aws, commandId, run.state.fleetCommand?.commandId === commandId ? "all" : ids);
    return true;
  } catch (error) {
    if (!(error instanceof AwsCallError)) throw error;
    ctx.report(error.message);
    return !error.retryable;
  }
}
