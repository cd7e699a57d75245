import { type Failed, running, succeeded } from "@stackyard/core";
import { type AdvanceDeps, type AdvancedRun, advanceRun } from "./advance-run.ts";
import { cancelRun, isCancelAsked } from "./cancel-run.ts";
import { MAX_CHUNK_SIZE } from "./chunk.ts";
import { CANCEL_WAIT_MS, type RunCommandConfig, type RunCommandProgress, type RunCommandStep } from "./definition.ts";
import type { ResolvedProfile } from "./document/resolve-profile.ts";
import { type FleetRun, type SendingChunk, tallyOf } from "./fleet-run.ts";
import { pinConfig } from "./pin-config.ts";
import { planRun, toTargetPlatform } from "./plan-run.ts";
import { resolveCommand } from "./resolve-command.ts";
import { retryRun } from "./retry-run.ts";
import { DEFAULT_TAG_KEY, DEFAULT_TAG_VALUES } from "./select-instances.ts";
import { AwsCallError } from "./ssm/call-aws.ts";
import { endRun, type StepDeps, toEnd, toPlanDeps, toPlanInput, withArtifact } from "./step-deps.ts";
import { toOutputs } from "./to-final-step.ts";
import { toFailureLines, toMessage } from "./to-message.ts";
import { toPollMs } from "./to-poll-ms.ts";
import { waitAgain, waitForAgent } from "./wait-for-agent.ts";

/** The predecessor's profile kept its small chunks. */
const GARLC_CHUNK_SIZE = 3;

/** Goes on with a run. A cancel is asked of the executor once: where that was interrupted, it goes on here. */
export async function pollRun(deps: StepDeps, progress: RunCommandProgress): Promise<RunCommandStep> {
  const isToBeCancelled = deps.ctx.cancelling && !(await isCancelAsked(deps));
  return isToBeCancelled ? cancelRun(deps) : runStep(deps, progress);
}

/** Takes the run where it stands, or plans it, and does what can be done now. */
export async function runStep(given: StepDeps, progress: RunCommandProgress): Promise<RunCommandStep> {
  const loaded = await loadRun(given);
  if (loaded !== undefined && "kind" in loaded) return loaded;
  const deps = withArtifact(given, loaded?.state.artifact);
  if (loaded?.state.endedAt !== undefined) return toEnd(deps, loaded);
  const { instance } = deps.config;
  if (instance !== undefined && (loaded === undefined || tallyOf(loaded).waiting > 0)) {
    const waited = await waitForAgent(deps, loaded, progress);
    if ("step" in waited) return waited.step;
    if (deps.config.dryRun === true) return toDryEnd(deps, waited.run);
    return goOn(withArtifact(deps, waited.run.state.artifact), waited.run, progress);
  }
  return loaded === undefined ? beginRun(deps, progress) : goOn(deps, loaded, progress);
}

async function beginRun(given: StepDeps, progress: RunCommandProgress): Promise<RunCommandStep> {
  const config = await pinConfig(given.ctx, given.config);
  if ("kind" in config) return config;
  const deps = { ...given, config };
  const planned = await planRun(toPlanDeps(deps), toPlanInput(deps));
  if ("kind" in planned) return planned;
  await deps.store.save(planned);
  return config.dryRun === true ? toDryEnd(deps, planned) : goOn(deps, planned, progress);
}

/** What would be sent to; where SSM finds the instances, nobody knows yet. */
function toDryEnd(deps: StepDeps, run: FleetRun): RunCommandStep | Promise<RunCommandStep> {
  const outputs = toOutputs(run, tallyOf(run), deps.options.reportUrl);
  return outputs.selected === 0 && run.state.way === "ids" ? endRun(deps, run) : succeeded(outputs);
}

/** The run as it is kept; one of an earlier attempt is taken up with what did not succeed. */
async function loadRun({ ctx, store, ...given }: StepDeps): Promise<FleetRun | Failed | undefined> {
  const run = await store.load();
  if (run === undefined || run.state.attempt === ctx.idempotencyKey) return run;
  // Nothing was sent, so that there is nothing to keep: the instances are selected anew.
  if (run.state.nextChunk === 1) return undefined;
  const deps = withArtifact({ ctx, store, ...given }, run.state.artifact);
  const retried = await retryRun(toPlanDeps(deps), await store.loadAll(run), toPlanInput(deps));
  if ("kind" in retried) return retried;
  await store.save(retried);
  return retried;
}

async function goOn(deps: StepDeps, run: FleetRun, progress: RunCommandProgress): Promise<RunCommandStep> {
  const advanced = await advanceRun(toAdvanceDeps(deps, run), run);
  if (deps.config.instance !== undefined && tallyOf(advanced.run).waiting > 0) {
    return waitAgain(deps, advanced, progress);
  }
  const { cancelledAt } = advanced.run.state;
  const isGivenUp = cancelledAt !== undefined && deps.ctx.clock.now() - cancelledAt >= CANCEL_WAIT_MS;
  if (advanced.isOver || isGivenUp) return endRun(deps, advanced.run);
  if (isDispatched(deps.config, advanced.run)) {
    return succeeded(toOutputs(advanced.run, tallyOf(advanced.run), deps.options.reportUrl));
  }
  return toRunning(advanced, progress);
}

/** As the predecessor did: done once everything has been handed over. */
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
  return running({ progress: { runId, polls: polls + 1, outages: 0 }, pollAfterMs, message });
}

function toAdvanceDeps(deps: StepDeps, run: FleetRun): AdvanceDeps {
  const { aws, store, config, ctx } = deps;
  const targets = run.state.way === "targets" ? toTargets(config) : undefined;
  return {
    aws,
    store,
    config,
    ...(targets && { targets }),
    waitsForAgent: config.instance !== undefined,
    chunkSize: config.profile === "garlc-1" ? GARLC_CHUNK_SIZE : MAX_CHUNK_SIZE,
    resolve: (chunk) => resolveNow(deps, run, chunk),
    tell: (ended) => {
      for (const line of toFailureLines(ended)) ctx.report(line);
    },
  };
}

function toTargets({ targets, select = {} }: RunCommandConfig): NonNullable<RunCommandConfig["targets"]> {
  const { tagKey = DEFAULT_TAG_KEY, tagValues = [...DEFAULT_TAG_VALUES] } = select;
  return targets ?? [{ key: `tag:${tagKey}`, values: tagValues }];
}

/** The plan has looked at this already; a profile that is gone since then refuses the command. */
function resolveNow({ config, options }: StepDeps, { state }: FleetRun, chunk: SendingChunk): ResolvedProfile {
  const isOfTargets = state.way === "targets" && config.targets !== undefined;
  const platform = isOfTargets ? toTargetPlatform(config) : chunk.platform;
  const roles = isOfTargets ? ("from-tags" as const) : chunk.roles;
  const command = resolveCommand(config, { platform, roles, startedAt: state.startedAt }, options.profiles);
  if (command.kind === "resolved") return command;
  throw new AwsCallError(command.code, command.message, { retryable: false, cause: undefined });
}
