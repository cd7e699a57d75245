import { S3Client } from "@aws-sdk/client-s3";
import { defined, type ExecutorContext, type Failed, failed, type Random, running } from "@stackyard/core";
import { listItems, type Stop } from "@stackyard/core/rollout";
import { type FleetAws, FleetEc2Client, FleetSsmClient, toCallError } from "./call-aws.ts";
import { type RunCommandConfig, type RunCommandProgress, type RunCommandStep, toLengths } from "./definition.ts";
import type { RunCommandOptions } from "./document/resolve-profile.ts";
import { findInstance, loadAgents } from "./fleet-calls.ts";
import { createRun, type FleetRun, isWaiting, noteFailed, noteStopped, tallyOf, updateInstances } from "./fleet-run.ts";
import { nextAction, nextFleetAction, type RunAction, toFinalStep } from "./next-action.ts";
import { type PlanDeps, type PlanInput, toRun } from "./plan-run.ts";
import type { FleetInstanceReport } from "./report-page.ts";
import { createRunStore, type RunStore } from "./run-store.ts";
import { type KnownInstance, type SsmAgent, selectInstances } from "./select-instances.ts";
import { recoverSending, type SendDeps, sendWave } from "./send-wave.ts";
import { toMessage } from "./tally.ts";
import { watchRun } from "./watch-run.ts";

/** What one step of a run works with. */
export interface AdvanceDeps extends SendDeps {
  readonly chunkSize: number;
  /** Shows what has failed. */
  readonly reportFailures: (ended: readonly FleetInstanceReport[]) => void;
}

/** A run after one step. */
export interface AdvancedRun {
  readonly run: FleetRun;
  readonly isOver: boolean;
  /** True if there is more to do immediately. */
  readonly isHurried: boolean;
  /** True if something was sent. */
  readonly hasSent: boolean;
}

/** Maximum time of sending in one step, so that a function's time and a lease's renewals suffice. */
const SEND_FOR_MS = 60_000;

/** Watches what runs, sends what may be sent, and notes both. */
export async function advanceRun(deps: AdvanceDeps, begun: FleetRun): Promise<AdvancedRun> {
  const { aws, store } = deps;
  const watched = await watchRun(aws, await recoverSending(aws, begun));
  deps.reportFailures(watched.ended);
  const until = aws.clock.now() + SEND_FOR_MS;
  let run = watched.run;
  let hasSent = false;
  for (;;) {
    run = await store.loadWaiting(run, run.state.maxConcurrency);
    const action = findAction(deps, run);
    if (action.kind === "drop") run = await dropWaiting(deps, run, action.stop);
    else if (action.kind === "miss") run = noteFailed(run, listWaiting(run), "SSM_NOT_ONLINE");
    else if (action.kind !== "send" || aws.clock.now() >= until || (hasSent && deps.waitsForAgent)) {
      await store.save(run);
      const isHurried = action.kind === "send" || watched.isPartial;
      return { run, isOver: action.kind === "settle" && !watched.isPartial, isHurried, hasSent };
    } else {
      run = await sendWave(deps, run, action.chunks);
      hasSent = true;
    }
  }
}

function findAction({ aws, chunkSize }: AdvanceDeps, run: FleetRun): RunAction {
  if (run.state.way === "targets") return nextFleetAction(run);
  return nextAction(run, { now: aws.clock.now(), chunkSize });
}

function listWaiting(run: FleetRun): readonly string[] {
  return listItems(run).flatMap((instance) => (isWaiting(instance) ? [instance.instanceId] : []));
}

/** Stops sending: marks the waiting instances on every page. */
async function dropWaiting({ store }: AdvanceDeps, run: FleetRun, stop: Stop): Promise<FleetRun> {
  const whole = await store.loadWaiting(run, tallyOf(run).waiting);
  return noteStopped(whole, stop);
}

/** A run that can continue, or the step that ends this call. */
type WaitedRun = { readonly run: FleetRun } | { readonly step: RunCommandStep };

/** Sends to the run's single instance when its agent is online; ends when the instance does not match or time is up. */
export async function waitForAgent(
  deps: StepDeps,
  loaded: FleetRun | undefined,
  progress: RunCommandProgress,
): Promise<WaitedRun> {
  // After a crash in the middle of a send, what was sent is found first.
  if (loaded !== undefined && loaded.state.sending.length > 0) return { run: loaded };
  const { ctx, config, aws, runId } = deps;
  const instanceId = config.instance ?? "";
  const { since, polls } = progress.agent ?? { since: loaded?.state.startedAt ?? ctx.clock.now(), polls: 0 };
  const instance = await findInstance(aws, instanceId);
  const agent = instance?.state === "running" ? (await loadAgents(aws, [instanceId])).get(instanceId) : undefined;
  const decision = evaluateAgent({ instance, agent, since, polls, now: ctx.clock.now() }, config);
  if (decision.kind === "wait") {
    const message = `${instanceId}: ${decision.why}.`;
    const next = { runId, polls: 0, outages: 0, agent: { since, polls: polls + 1 } };
    return { step: running({ progress: next, pollAfterMs: decision.afterMs, message }) };
  }
  if (decision.kind === "end") return { step: await endRun(deps, toEnded(deps, loaded, decision)) };
  return loaded === undefined ? beginRun(deps, decision.instance) : { run: loaded };
}

/** Waits for an agent again: SSM listed it but accepted no command for it, so it is not online yet. */
export function waitAgain(
  deps: StepDeps,
  { run, hasSent }: Pick<AdvancedRun, "run" | "hasSent">,
  progress: RunCommandProgress,
): RunCommandStep | Promise<RunCommandStep> {
  const { since, polls } = progress.agent ?? { since: run.state.startedAt, polls: 0 };
  const isOver = deps.ctx.clock.now() >= since + toLengths(deps.config).agentTimeout;
  if (hasSent && isOver) return endRun(deps, toEnded(deps, run, { state: "failed", code: "SSM_AGENT_TIMEOUT" }));
  const next = { runId: deps.runId, polls: 0, outages: 0, agent: { since, polls: polls + 1 } };
  return running({ progress: next, pollAfterMs: toAgentDelayMs(polls), message: toMessage(tallyOf(run)) });
}

async function beginRun(given: StepDeps, instance: KnownInstance): Promise<WaitedRun> {
  const config = await pinConfig(given.ctx, given.config);
  if ("kind" in config) return { step: config };
  const deps = { ...given, config };
  const found = { instances: [instance], selected: [instance.instanceId], skipped: [] };
  const run = toRun(toPlanDeps(deps), toPlanInput(deps), found);
  if ("kind" in run) return { step: run };
  await deps.store.save(run);
  return { run };
}

/** Returns the run with the ended instance, without having sent anything. */
function toEnded(
  deps: StepDeps,
  loaded: FleetRun | undefined,
  { state, code }: Pick<Extract<AgentDecision, { readonly kind: "end" }>, "state" | "code">,
): FleetRun {
  if (loaded !== undefined) {
    return updateInstances(loaded, (instance) => (isWaiting(instance) ? { ...instance, state, code } : instance));
  }
  const member = { instanceId: deps.config.instance ?? "", state, code, roles: [] };
  const limits = { maxConcurrency: 1, maxErrors: 0 };
  return createRun({ ...toPlanInput(deps), way: "ids", byInventory: false, members: [member], ...limits });
}

/** What was found about one instance. */
export interface AgentCheck {
  readonly instance: KnownInstance | undefined;
  /** Undefined when not registered, or not looked up. */
  readonly agent: SsmAgent | undefined;
  /** When the first check was. */
  readonly since: number;
  /** Looks before this one. */
  readonly polls: number;
  readonly now: number;
}

/** What follows: send, check again, or end with a state for the report. */
type AgentDecision =
  | { readonly kind: "send"; readonly instance: KnownInstance }
  | { readonly kind: "wait"; readonly afterMs: number; readonly why: string }
  | { readonly kind: "end"; readonly state: "skipped" | "failed"; readonly code: string };

/** EC2 answers with all instances only after some seconds (API reference, "Eventual consistency"). */
const KNOWN_WITHIN_MS = 60_000;
const DELAYS_MS: readonly number[] = [5_000, 10_000, 20_000];
const DELAY_MS = 30_000;

/**
 * Decides about an instance that has just started: its agent registers some time later. Skips an instance that is not
 * ours, or is gone. Pure.
 */
export function evaluateAgent(check: AgentCheck, config: RunCommandConfig): AgentDecision {
  const { instance, agent, since, now } = check;
  if (instance === undefined) {
    if (now - since >= KNOWN_WITHIN_MS) return { kind: "end", state: "skipped", code: "INSTANCE_GONE" };
    return toWait(check, since + KNOWN_WITHIN_MS, "EC2 does not know the instance yet");
  }
  if (instance.state !== "running" && instance.state !== "pending") {
    return { kind: "end", state: "skipped", code: "INSTANCE_GONE" };
  }
  const states = [...(config.select?.states ?? ["running"]), "pending"];
  const { skipped } = selectInstances([toUnasked(instance)], { ...config.select, states, requireOnline: false });
  if (skipped[0] !== undefined) return { kind: "end", state: "skipped", code: skipped[0].code };
  if (instance.state === "running" && agent?.pingStatus === "Online") return { kind: "send", instance };
  const until = since + toLengths(config).agentTimeout;
  if (now >= until) return { kind: "end", state: "failed", code: "SSM_AGENT_TIMEOUT" };
  return toWait(check, until, "The agent has not registered yet");
}

/** Removes the agent's state: it may still come online, which does not justify skipping an instance. */
function toUnasked({ ssm: _, ...instance }: KnownInstance): KnownInstance {
  return instance;
}

function toWait({ polls, now }: AgentCheck, until: number, why: string): AgentDecision {
  return { kind: "wait", afterMs: Math.max(1, Math.min(toAgentDelayMs(polls), until - now)), why };
}

/** Returns the pause by number of checks: 5, 10, 20, then 30 seconds. */
function toAgentDelayMs(polls: number): number {
  return DELAYS_MS[polls] ?? DELAY_MS;
}

/** The dependencies of a step of the executor. */
export interface StepDeps {
  readonly ctx: ExecutorContext;
  readonly config: RunCommandConfig;
  readonly options: RunCommandOptions;
  readonly random: Random;
  readonly aws: FleetAws;
  readonly store: RunStore;
  readonly runId: string;
}

/** Creates the dependencies of a step from the executor's context. */
export function toStepDeps(
  ctx: ExecutorContext,
  config: RunCommandConfig,
  { options, random }: { readonly options: RunCommandOptions; readonly random: Random },
): StepDeps {
  const { clock, signal, deadlineAt, records } = ctx;
  const runId = toRunId(ctx);
  const source = config.source ?? "task";
  const aws = { ssm: ctx.aws(FleetSsmClient), ec2: ctx.aws(FleetEc2Client), clock, signal, deadlineAt, random };
  return { ctx, config, options, random, aws, store: createRunStore({ records, clock, runId, source }), runId };
}

/** Returns the run's id: a job's stack id, or the attempt's key for a machine's task. */
export function toRunId({ machine, stackId, idempotencyKey }: ExecutorContext): string {
  return machine === "stackyard.run" ? stackId : idempotencyKey;
}

/** Returns the dependencies of this run's plans. */
export function toPlanDeps({ aws, config, options }: StepDeps): PlanDeps {
  return { aws, config, profiles: options.profiles };
}

/** Returns the facts about this run for its plan. */
export function toPlanInput({ ctx, config, runId }: StepDeps): PlanInput {
  const { artifact } = config;
  return defined({ runId, attempt: ctx.idempotencyKey, startedAt: ctx.clock.now(), artifact });
}

/** Replaces the artifact by that of the run's start. */
export function withArtifact(deps: StepDeps, artifact: RunCommandConfig["artifact"]): StepDeps {
  return artifact === undefined ? deps : { ...deps, config: { ...deps.config, artifact } };
}

/** Ends a run without remaining work. */
export async function endRun(deps: StepDeps, run: FleetRun): Promise<RunCommandStep> {
  const ended = { ...run, state: { ...run.state, endedAt: deps.ctx.clock.now() } };
  await deps.store.save(ended);
  return toEnd(deps, ended);
}

/** Returns the last step of a run that has ended. */
export function toEnd({ config, options }: StepDeps, run: FleetRun): RunCommandStep {
  return toFinalStep(run, { config, reportUrl: options.reportUrl });
}

/**
 * Adds the artifact's SHA-256 and version to the config if the profile checks them and they are missing: read once, so
 * that every instance of the run gets the same content.
 */
export async function pinConfig(ctx: ExecutorContext, config: RunCommandConfig): Promise<RunCommandConfig | Failed> {
  const { artifact } = config;
  if (artifact === undefined || !isToBePinned(config)) return config;
  // Only those who need it load S3's client.
  const { pinArtifact } = await import("./fleet/pin-artifact.ts");
  try {
    const pinned = await pinArtifact(ctx.aws(S3Client), artifact, ctx.signal);
    if ("kind" in pinned) return failed({ code: pinned.code, message: pinned.message, retryable: false });
    return { ...config, artifact: pinned };
  } catch (error) {
    ctx.signal.throwIfAborted();
    throw toCallError(error, { what: `The artifact s3://${artifact.bucket}/${artifact.key} could not be read.` });
  }
}

/** Returns true if the artifact needs pinning. The predecessor's lines check nothing. */
export function isToBePinned({ artifact, document, profile }: RunCommandConfig): boolean {
  return artifact !== undefined && artifact.sha256 === undefined && document === undefined && profile !== "garlc-1";
}

const FIRST_MS = 5_000;
const CAP_MS = 30_000;

/** Returns the pause before the next poll: five seconds after something was sent, growing to thirty. */
export function toPollMs(polls: number): number {
  return Math.min(CAP_MS, Math.round(FIRST_MS * 1.5 ** polls));
}
