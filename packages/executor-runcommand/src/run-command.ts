import { NEW_ROLE_MS } from "@stackyard/aws";
import {
  continueLater,
  defined,
  defineExecutor,
  type Executor,
  type ExecutorContext,
  type Failed,
  failed,
  isLimitReached,
  isPassing,
  noteLook,
  type Plan,
  type Random,
  running,
  succeeded,
  type WatchedTime,
} from "@stackyard/core";
import { listItems, PageConflictError, type Stop } from "@stackyard/core/rollout";
import { type AdvancedRun, advanceRun, LONGEST_POLL_MS, toPollMs } from "./advance-run.ts";
import { AwsCallError } from "./call-fleet.ts";
import { toCounts, toMessage } from "./count-instances.ts";
import {
  CANCEL_WAIT_MS,
  findConfigFault,
  type RunCommandConfig,
  type RunCommandProgress,
  type RunCommandStep,
  runCommandDefinition,
} from "./definition.ts";
import type { RunCommandOptions } from "./document/profile-definition.ts";
import { endRun, toEnd, toOutputs } from "./end-run.ts";
import { cancelCommand } from "./fleet-calls.ts";
import { type FleetRun, noteStopped, tallyOf } from "./fleet-run.ts";
import { beginRun, planRun, retryRun } from "./plan-run.ts";
import { recoverSending } from "./send-chunks.ts";
import { isToBePinned, type StepDeps, toRunId, toStepDeps, withArtifact } from "./step-deps.ts";
import { waitAgain, waitForAgent } from "./wait-for-agent.ts";
import { listOpenCommands } from "./watch-run.ts";

/** Where a test replaces chance. */
export interface RunCommandDeps {
  /** Default: `Math.random`. */
  readonly random?: Random;
}

/** Polls in a row that AWS may leave unanswered while commands run: some ten minutes. */
const MAX_OUTAGES = 20;
const OUTAGE_MS = 30_000;
/** After another call has written the same records. */
const OVERTAKEN_MS = 1_000;

/**
 * Creates the executor `runcommand`: configures a fleet of instances over SSM Run Command. `start` selects and sends as
 * much as the limits allow, `poll` watches and sends the rest. The instances are in the run's records, so progress
 * stays small and no command is sent twice after a crash. Throws `CONFIG_INVALID`. Fails with the codes of the README.
 */
export function createRunCommandExecutor(
  options: RunCommandOptions = {},
  { random = Math.random }: RunCommandDeps = {},
): Executor {
  const begin = (ctx: ExecutorContext, config: RunCommandConfig) => toStepDeps(ctx, config, { options, random });
  return defineExecutor({
    ...runCommandDefinition,
    plan: (ctx, config): Promise<Plan> => toPlan(begin(ctx, config)),
    async start(ctx, config) {
      const fault = findConfigFault(config);
      if (fault !== undefined) return fault;
      return guard(begin(ctx, config), toFirst(ctx), runStep);
    },
    poll: (ctx, config, progress) => guard(begin(ctx, config), progress, pollRun),
    cancel: (ctx, config, progress) => guard(begin(ctx, config), progress ?? toFirst(ctx), cancelRun),
  });
}

function toFirst(ctx: ExecutorContext): RunCommandProgress {
  return { runId: toRunId(ctx), polls: 0, outages: 0 };
}

/** Continues a run at the next poll after an outage, so that commands that were sent are not left alone. */
async function guard(
  deps: StepDeps,
  progress: RunCommandProgress,
  work: (deps: StepDeps, progress: RunCommandProgress) => Promise<RunCommandStep>,
): Promise<RunCommandStep> {
  const { ctx } = deps;
  const outage = { ...progress, outages: progress.outages + 1 };
  const isOutage = (error: unknown) => outage.outages <= MAX_OUTAGES && passes(deps, outage, error);
  const isOvertaken = (error: unknown) => error instanceof PageConflictError;
  try {
    return await continueLater({ ctx, progress: outage, isPassing: isOutage, everyMs: OUTAGE_MS }, () =>
      continueLater({ ctx, progress, isPassing: isOvertaken, everyMs: OVERTAKEN_MS }, () => work(deps, progress)),
    );
  } catch (error) {
    if (!(error instanceof AwsCallError)) throw error;
    return toFailed(deps, error);
  }
}

/**
 * Returns the failure of a run that ends by an error of AWS. It names the commands that work: what becomes of them is
 * unknown. Another attempt continues with them, after an outage by itself, after a refusal when a person retries.
 */
async function toFailed({ store }: StepDeps, { code, message, retryable }: AwsCallError): Promise<Failed> {
  // Records that cannot be read either name nothing.
  const run = await store.load().catch(() => undefined);
  const parts = run && (await store.loadAll(run).catch(() => undefined));
  const open = parts === undefined ? [] : listOpenCommands(parts);
  if (open.length === 0) return failed({ code, message, retryable });
  const named = `${message} It is unknown whether the work is done. These commands may still run: ${open.join(", ")}.`;
  if (retryable) return failed({ code, message: named, retryable });
  return failed({ code: "COMMANDS_LOST", message: `${code}: ${named}`, retryable });
}

/**
 * Returns true for an error that may pass. Without records nothing was sent. An outage of the records themselves leaves
 * that unknown. A refusal is waited out as long as a new role's, because the commands run on.
 */
async function passes({ store }: StepDeps, outage: RunCommandProgress, error: unknown): Promise<boolean> {
  if (!(error instanceof AwsCallError)) return isPassing(error);
  const isRefusal = error.code === "ACCESS_DENIED" && (outage.outages - 1) * OUTAGE_MS < NEW_ROLE_MS;
  if (!(error.retryable || isRefusal)) return false;
  return outage.agent !== undefined || Boolean(await store.load().catch(isPassing));
}

/**
 * Continues a run. The executor's `cancel` is called once; one that was interrupted or refused continues here, while the
 * run is watched.
 */
async function pollRun(deps: StepDeps, progress: RunCommandProgress): Promise<RunCommandStep> {
  const isToBeCancelled = deps.ctx.cancelling && !(await isCancelAsked(deps, progress));
  const step = isToBeCancelled ? await cancelRun(deps, progress) : undefined;
  return step === undefined || step.kind === "running" ? runStep(deps, progress) : step;
}

/** Continues the run, or plans it, and does everything that is possible now. */
async function runStep(deps: StepDeps, progress: RunCommandProgress): Promise<RunCommandStep> {
  const loaded = await loadRun(deps);
  if (loaded !== undefined && "kind" in loaded) return loaded;
  if (loaded?.state.endedAt !== undefined) return toEnd(deps, loaded);
  const run = await openRun(deps, loaded, progress);
  if ("kind" in run) return run;
  return deps.config.dryRun === true ? toDryEnd(deps, run) : continueRun(deps, run, progress);
}

/** Returns the run to continue, or the step that ends this call. */
async function openRun(
  deps: StepDeps,
  loaded: FleetRun | undefined,
  progress: RunCommandProgress,
): Promise<FleetRun | RunCommandStep> {
  const isOpen = loaded === undefined || tallyOf(loaded).waiting > 0;
  if (deps.config.instance !== undefined && isOpen) return waitForAgent(deps, loaded, progress);
  return loaded ?? beginRun(deps);
}

/** Ends a dry run. If SSM selects the instances, they are not known yet. */
function toDryEnd(deps: StepDeps, run: FleetRun): RunCommandStep | Promise<RunCommandStep> {
  const outputs = toOutputs(deps, run);
  return outputs.selected === 0 && run.state.way === "ids" ? endRun(deps, run) : succeeded(outputs);
}

/** Loads the run. A run of an earlier attempt is retried with the instances that did not succeed. */
async function loadRun({ ctx, store, ...given }: StepDeps): Promise<FleetRun | Failed | undefined> {
  const run = await store.load();
  if (run === undefined || run.state.attempt === ctx.idempotencyKey) return run;
  // Nothing was sent, so there is nothing to keep: the instances are selected again.
  if (run.state.nextChunk === 1) return undefined;
  const deps = withArtifact({ ctx, store, ...given }, run.state.artifact);
  const retried = await retryRun(deps, await store.loadAll(run));
  if ("kind" in retried) return retried;
  await store.save(retried);
  return retried;
}

/** The artifact is that of the run's start. */
async function continueRun(given: StepDeps, run: FleetRun, progress: RunCommandProgress): Promise<RunCommandStep> {
  const deps = withArtifact(given, run.state.artifact);
  const advanced = await advanceRun(deps, run);
  if (deps.config.instance !== undefined && tallyOf(advanced.run).waiting > 0) {
    return waitAgain(deps, advanced, progress);
  }
  const cancel = noteCancelLook(deps, advanced.run.state, progress);
  if (advanced.isOver || cancel?.isOver) return endRun(deps, advanced.run);
  if (isDispatched(deps.config, advanced.run)) return succeeded(toOutputs(deps, advanced.run));
  return toRunning(advanced, { ...progress, ...defined({ watched: cancel?.watched }) });
}

/** Notes a look at a run that is cancelled, and whether it has waited long enough; undefined for another run. */
function noteCancelLook(
  { ctx }: StepDeps,
  { cancelledAt }: Pick<FleetRun["state"], "cancelledAt">,
  { watched: before }: Pick<RunCommandProgress, "watched">,
): { readonly watched: WatchedTime; readonly isOver: boolean } | undefined {
  if (cancelledAt === undefined) return undefined;
  const last = before ?? { lookedAt: cancelledAt, unwatchedMs: 0 };
  const watched = noteLook(last, { now: ctx.clock.now(), everyMs: LONGEST_POLL_MS });
  return { watched, isOver: isLimitReached(cancelledAt + CANCEL_WAIT_MS, watched) };
}

/** Returns true once everything was sent, when the predecessor was done. */
function isDispatched({ wait }: RunCommandConfig, run: FleetRun): boolean {
  const { way, fleetCommand, cancelledAt, stop } = run.state;
  if (wait !== false || cancelledAt !== undefined || stop !== undefined) return false;
  return way === "targets" ? fleetCommand !== undefined : tallyOf(run).waiting === 0;
}

function toRunning({ run, isHurried, hasSent }: AdvancedRun, progress: RunCommandProgress): RunCommandStep {
  const { runId } = run.state;
  const message = toMessage(tallyOf(run));
  const polls = hasSent ? 0 : progress.polls;
  const pollAfterMs = isHurried ? 0 : toPollMs(polls);
  const { watched } = progress;
  return running({
    progress: { runId, polls: polls + 1, outages: 0, ...defined({ watched }) },
    pollAfterMs,
    message,
  });
}

const CANCELLED: Stop = { code: "RUN_CANCELLED", message: "The run was cancelled.", retryable: false };

/**
 * Stops sending and cancels the running commands in SSM; polls continue until those have ended. The cancel is stored
 * before SSM is called, so that a poll continues an interrupted cancel.
 */
async function cancelRun(deps: StepDeps, before: RunCommandProgress): Promise<RunCommandStep> {
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
  const watched = noteCancelLook(deps, cancelled.state, before)?.watched;
  const progress = { runId, polls: 0, outages: 0, ...defined({ watched }) };
  return running({ progress, pollAfterMs: toPollMs(0), message });
}

/** Returns true if the run is only watched: SSM was requested to cancel everything, or time is up. */
async function isCancelAsked(deps: StepDeps, progress: RunCommandProgress): Promise<boolean> {
  const state = (await deps.store.load())?.state;
  if (state === undefined || state.attempt !== deps.ctx.idempotencyKey) return false;
  return state.isCancelAsked === true || noteCancelLook(deps, state, progress)?.isOver === true;
}

/** Records the cancel. An earlier attempt's run becomes this one's: a poll must not start it again. */
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

/** Requests the cancellation of all open commands; returns false if SSM must be called again. */
async function cancelCommands(deps: StepDeps, run: FleetRun): Promise<boolean> {
  let isAsked = true;
  for (const commandId of listOpenCommands(run)) isAsked = (await cancelOne(deps, run, commandId)) && isAsked;
  return isAsked;
}

/** Cancels one command; returns false for any error. Commands that SSM refuses to cancel until time is up end on their own. */
async function cancelOne({ aws, ctx }: StepDeps, run: FleetRun, commandId: string): Promise<boolean> {
  const ids = listItems(run).flatMap((instance) =>
    instance.state === "running" && instance.commandId === commandId ? [instance.instanceId] : [],
  );
  try {
    await cancelCommand(aws, commandId, run.state.fleetCommand?.commandId === commandId ? "all" : ids);
    return true;
  } catch (error) {
    if (!(error instanceof AwsCallError)) throw error;
    ctx.report(error.message);
    return false;
  }
}

/** Instances that the details of a plan name; the counts are of all. */
const MAX_LISTED = 200;

/** Plans which instances a run would send to. Read-only. */
async function toPlan(deps: StepDeps): Promise<Plan> {
  const fault = findConfigFault(deps.config);
  if (fault !== undefined) return { summary: `Would fail: ${fault.message}`, details: { code: fault.code } };
  const run = await planRun({ ...deps, config: toKnown(deps.config) });
  if ("kind" in run) return { summary: `Would fail: ${run.message}`, details: { code: run.code } };
  const { selected, skipped } = toCounts(tallyOf(run));
  const { way, maxConcurrency, maxErrors, limits } = run.state;
  const instances = listItems(run);
  const whom =
    way === "targets" && instances.length === 0 ? "those that SSM finds by the targets" : `${selected} instances`;
  return {
    summary: `Would send to ${whom}, ${limits?.maxConcurrency ?? maxConcurrency} at once; ${skipped} skipped.`,
    unchanged: way === "ids" && selected === 0,
    details: {
      way,
      selected,
      skipped,
      maxConcurrency: limits?.maxConcurrency ?? maxConcurrency,
      maxErrors: limits?.maxErrors ?? maxErrors,
      instances: instances.slice(0, MAX_LISTED),
    },
  };
}

/** Returns the config with any digest, because a plan does not read the artifact. */
function toKnown(config: RunCommandConfig): RunCommandConfig {
  const { artifact } = config;
  if (artifact === undefined || !isToBePinned(config)) return config;
  return { ...config, artifact: { ...artifact, sha256: "0".repeat(64) } };
}
