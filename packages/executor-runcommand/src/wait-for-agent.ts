import { running } from "@stackyard/core";
import type { AdvancedRun } from "./advance-run.ts";
import { createRun } from "./create-run.ts";
import { type RunCommandProgress, type RunCommandStep, toLengths } from "./definition.ts";
import { type FleetRun, isWaiting, tallyOf, updateInstances } from "./fleet-run.ts";
import { type AgentDecision, lookForAgent, toAgentDelayMs } from "./look-for-agent.ts";
import { pinConfig } from "./pin-config.ts";
import { toRun } from "./plan-run.ts";
import type { KnownInstance } from "./select-instances.ts";
import { findInstance } from "./ssm/describe-fleet.ts";
import { loadAgents } from "./ssm/load-agents.ts";
import { endRun, type StepDeps, toPlanDeps, toPlanInput } from "./step-deps.ts";
import { toMessage } from "./to-message.ts";

/** A run that can go on, or the step that ends this call. */
export type WaitedRun = { readonly run: FleetRun } | { readonly step: RunCommandStep };

/** The run of one instance: sent to when its agent is online, ended when it is none of ours or the time is over. */
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
  const decision = lookForAgent({ instance, agent, since, polls, now: ctx.clock.now() }, config);
  if (decision.kind === "wait") {
    const message = `${instanceId}: ${decision.why}.`;
    const next = { runId, polls: 0, outages: 0, agent: { since, polls: polls + 1 } };
    return { step: running({ progress: next, pollAfterMs: decision.afterMs, message }) };
  }
  if (decision.kind === "end") return { step: await endRun(deps, toEnded(deps, loaded, decision)) };
  return loaded === undefined ? beginRun(deps, decision.instance) : { run: loaded };
}

/** SSM knew the agent a moment ago and took no command for it: it is not online yet. */
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

/** The run with the instance as it has ended, without anything having been sent. */
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
