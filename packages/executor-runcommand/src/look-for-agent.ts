import type { RunCommandConfig } from "./definition.ts";
import { toLengths } from "./definition.ts";
import { type KnownInstance, type SsmAgent, selectInstances } from "./select-instances.ts";

/** What a look at one instance has found. */
export interface AgentLook {
  readonly instance: KnownInstance | undefined;
  /** Undefined: not registered, or not asked. */
  readonly agent: SsmAgent | undefined;
  /** When the first look was. */
  readonly since: number;
  /** Looks before this one. */
  readonly polls: number;
  readonly now: number;
}

/** What follows: send, look again, or the end, with the state that the report shows. */
export type AgentDecision =
  | { readonly kind: "send"; readonly instance: KnownInstance }
  | { readonly kind: "wait"; readonly afterMs: number; readonly why: string }
  | { readonly kind: "end"; readonly state: "skipped" | "failed"; readonly code: string };

/** EC2 answers with all instances only after some seconds (API reference, "Eventual consistency"). */
const KNOWN_WITHIN_MS = 60_000;
const DELAYS_MS: readonly number[] = [5_000, 10_000, 20_000];
const DELAY_MS = 30_000;

/**
 * What to do about an instance that has just started: its agent registers some time after it runs. An instance that is not
 * one of ours, or has gone, is left alone. Pure.
 */
export function lookForAgent(look: AgentLook, config: RunCommandConfig): AgentDecision {
  const { instance, agent, since, now } = look;
  if (instance === undefined) {
    if (now - since >= KNOWN_WITHIN_MS) return { kind: "end", state: "skipped", code: "INSTANCE_GONE" };
    return toWait(look, since + KNOWN_WITHIN_MS, "EC2 does not know the instance yet");
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
  return toWait(look, until, "The agent has not registered yet");
}

/** The agent is a matter of time and no reason to leave an instance alone. */
function toUnasked({ ssm: _, ...instance }: KnownInstance): KnownInstance {
  return instance;
}

function toWait({ polls, now }: AgentLook, until: number, why: string): AgentDecision {
  return { kind: "wait", afterMs: Math.max(1, Math.min(toAgentDelayMs(polls), until - now)), why };
}

/** The pause after so many looks: 5, 10, 20, then 30 seconds. */
export function toAgentDelayMs(polls: number): number {
  return DELAYS_MS[polls] ?? DELAY_MS;
}
