import { type Failed, failed, running } from "@stackyard/core";
import type { RunCommandStep } from "./definition.ts";
import { type FleetRun, listInstances, noteStopped, tallyOf } from "./fleet-run.ts";
import { recoverSending } from "./send-wave.ts";
import { AwsCallError } from "./ssm/call-aws.ts";
import { cancelCommand } from "./ssm/cancel-commands.ts";
import { type StepDeps, toEnd } from "./step-deps.ts";
import { toMessage } from "./to-message.ts";
import { toPollMs } from "./to-poll-ms.ts";
import { listOpenCommands } from "./watch-run.ts";

/** Sends nothing more and asks SSM to cancel what runs; the run is polled on until that has ended. */
export async function cancelRun(deps: StepDeps): Promise<RunCommandStep> {
  const { aws, ctx, store, runId } = deps;
  const loaded = await store.load();
  if (loaded === undefined) return toNothingSent();
  if (loaded.state.endedAt !== undefined) return toEnd(deps, loaded);
  const whole = await store.loadAll(loaded);
  const recovered = await recoverSending(aws, whole);
  const stop = { code: "RUN_CANCELLED", message: "The run was cancelled.", retryable: false };
  const stopped = noteStopped(recovered, stop);
  const cancelled = { ...stopped, state: { ...stopped.state, cancelledAt: ctx.clock.now() } };
  await store.save(cancelled);
  for (const commandId of listOpenCommands(cancelled)) await cancelOne(deps, cancelled, commandId);
  const message = `Cancelling. ${toMessage(tallyOf(cancelled))}`;
  return running({ progress: { runId, polls: 0, outages: 0 }, pollAfterMs: toPollMs(0), message });
}

function toNothingSent(): Failed {
  const message = "The run was cancelled before anything was sent.";
  return failed({ code: "RUN_CANCELLED", message, retryable: false });
}

/** What cannot be cancelled ends by itself. */
async function cancelOne({ aws, ctx }: StepDeps, run: FleetRun, commandId: string): Promise<void> {
  const ids = listInstances(run).flatMap((instance) =>
    instance.state === "running" && instance.commandId === commandId ? [instance.instanceId] : [],
  );
  try {
    await cancelCommand(aws, commandId, run.state.fleetCommand?.commandId === commandId ? "all" : ids);
  } catch (error) {
    if (!(error instanceof AwsCallError)) throw error;
    ctx.report(error.message);
  }
}
