import { decideAbsence } from "@stackyard/aws";
import { defined, isLimitReached, noteLook, running, type WatchedTime } from "@stackyard/core";
import type { AdvancedRun } from "./advance-run.ts";
import { INSTANCE_GONE, toMessage } from "./count-instances.ts";
import { type RunCommandConfig, type RunCommandProgress, type RunCommandStep, toLengths } from "./definition.ts";
import { endRun } from "./end-run.ts";
import { findInstance, loadAgents } from "./fleet-calls.ts";
import { createRun, type FleetRun, isWaiting, tallyOf, updateInstances } from "./fleet-run.ts";
import { beginRun, startOf } from "./plan-run.ts";
import { type KnownInstance, type SsmAgent, selectInstances } from "./select-instances.ts";
import type { StepDeps } from "./step-deps.ts";

/** Sends to the run's single instance when its agent is online; ends when the instance does not match or time is up. */
export async function waitForAgent(
  deps: StepDeps,
  loaded: FleetRun | undefined,
  progress: RunCommandProgress,
): Promise<FleetRun | RunCommandStep> {
  // After a crash in the middle of a send, what was sent is found first.
  if (loaded !== undefined && loaded.state.sending.length > 0) return loaded;
  const { ctx, config, aws } = deps;
  const instanceId = config.instance ?? "";
  const known = progress.agent ?? { since: loaded?.state.startedAt ?? ctx.clock.now(), polls: 0 };
  const instance = await findInstance(aws, instanceId);
  const agent = instance?.state === "running" ? (await loadAgents(aws, [instanceId])).get(instanceId) : undefined;
  const now = ctx.clock.now();
  const absent = instance === undefined ? decideAbsence(known.absence, now) : undefined;
  const watched = noteLook(known.watched, { now, everyMs: DELAY_MS });
  const decision = evaluateAgent(
    { ...known, instance, agent, now, watched, isUnknown: absent?.kind === "unknown" },
    config,
  );
  if (decision.kind === "wait") {
    const message = `${instanceId}: ${decision.why}.`;
    const next = { since: known.since, polls: known.polls, watched, ...defined({ absence: absent?.absence }) };
    return running({ progress: toNext(deps, next), pollAfterMs: decision.afterMs, message });
  }
  if (decision.kind === "end") return endRun(deps, toEnded(deps, loaded, decision));
  return loaded ?? beginRun(deps, { instances: [decision.instance], selected: [instanceId], skipped: [] });
}

/** Waits for an agent again: SSM listed it but accepted no command for it, so it is not online yet. */
export function waitAgain(
  deps: StepDeps,
  { run, hasSent }: Pick<AdvancedRun, "run" | "hasSent">,
  progress: RunCommandProgress,
): RunCommandStep | Promise<RunCommandStep> {
  const agent = progress.agent ?? { since: run.state.startedAt, polls: 0 };
  const { since, polls } = agent;
  const watched = noteLook(agent.watched, { now: deps.ctx.clock.now(), everyMs: DELAY_MS });
  const isOver = isLimitReached(since + toLengths(deps.config).agentTimeout, watched);
  if (hasSent && isOver) return endRun(deps, toEnded(deps, run, { state: "failed", code: "SSM_AGENT_TIMEOUT" }));
  const pollAfterMs = toAgentDelayMs(polls);
  return running({ progress: toNext(deps, { since, polls, watched }), pollAfterMs, message: toMessage(tallyOf(run)) });
}

function toNext({ runId }: StepDeps, agent: NonNullable<RunCommandProgress["agent"]>): RunCommandProgress {
  return { runId, polls: 0, outages: 0, agent: { ...agent, polls: agent.polls + 1 } };
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
  return createRun({ ...startOf(deps), way: "ids", byInventory: false, members: [member], ...limits });
}

/** The result of checking one instance. */
export interface AgentCheck {
  readonly instance: KnownInstance | undefined;
  /** The agent; undefined when not registered, or not looked up. */
  readonly agent: SsmAgent | undefined;
  /** When the first check was. */
  readonly since: number;
  /** Looks before this one. */
  readonly polls: number;
  readonly now: number;
  /** The looks so far, this one included. */
  readonly watched: WatchedTime;
  /** True if looks in a row did not show the instance. */
  readonly isUnknown: boolean;
}

/** The decision: send, check again, or end with a state for the report. */
type AgentDecision =
  | { readonly kind: "send"; readonly instance: KnownInstance }
  | { readonly kind: "wait"; readonly afterMs: number; readonly why: string }
  | { readonly kind: "end"; readonly state: "skipped" | "failed"; readonly code: string };

const DELAYS_MS: readonly number[] = [5_000, 10_000, 20_000];
const DELAY_MS = 30_000;

/**
 * Decides about an instance that has just started: its agent registers some time later. Skips an instance that is not
 * ours, or is gone. Pure.
 */
export function evaluateAgent(check: AgentCheck, config: RunCommandConfig): AgentDecision {
  const { instance, agent, since, watched } = check;
  const until = since + toLengths(config).agentTimeout + watched.unwatchedMs;
  if (instance === undefined) {
    if (check.isUnknown) return { kind: "end", state: "skipped", code: INSTANCE_GONE };
    return toWait(check, until, "EC2 does not know the instance yet");
  }
  if (instance.state !== "running" && instance.state !== "pending") {
    return { kind: "end", state: "skipped", code: INSTANCE_GONE };
  }
  // An agent that is not online yet does not justify skipping an instance.
  const states = [...(config.select?.states ?? ["running"]), "pending"];
  const { skipped } = selectInstances([instance], { ...config.select, states, requireOnline: false });
  if (skipped[0] !== undefined) return { kind: "end", state: "skipped", code: skipped[0].code };
  if (instance.state === "running" && agent?.pingStatus === "Online") return { kind: "send", instance };
  if (check.now >= until) return { kind: "end", state: "failed", code: "SSM_AGENT_TIMEOUT" };
  return toWait(check, until, "The agent has not registered yet");
}

function toWait({ polls, now }: AgentCheck, until: number, why: string): AgentDecision {
  return { kind: "wait", afterMs: Math.max(1, Math.min(toAgentDelayMs(polls), until - now)), why };
}

/** Returns the pause by number of checks: 5, 10, 20, then 30 seconds. */
function toAgentDelayMs(polls: number): number {
  return DELAYS_MS[polls] ?? DELAY_MS;
}
