import type { SimCall } from "../sim-call.ts";
import type { SimAgent } from "./sim-agent.ts";
import { ssmFaults as faults } from "./ssm-faults.ts";
import type { SsmState } from "./ssm-state.ts";

/** The nodes that a SendCommand names. Throws what SSM answers when one of the ids is not registered. */
export function findTargets(state: SsmState, call: SimCall): readonly SimAgent[] {
  const given: unknown = call.input["InstanceIds"];
  const ids: readonly string[] = Array.isArray(given) ? given.map(String) : [];
  if (ids.length > 0) return findByIds(state.agentsOf(call, ids), ids, call.identity.account);
  const agents = state.agentsOf(call);
  const targets: unknown = call.input["Targets"];
  const all: readonly unknown[] = Array.isArray(targets) ? targets : [];
  return agents.filter((agent) => all.every((target) => matches(agent, Object(target), state)));
}

function findByIds(agents: readonly SimAgent[], ids: readonly string[], account: string): readonly SimAgent[] {
  const byId = new Map(agents.map((agent) => [agent.instanceId, agent]));
  const found = ids.flatMap((id) => byId.get(id) ?? []);
  if (found.length < ids.length) {
    throw faults.instances(
      ids.filter((id) => !byId.has(id)),
      account,
    );
  }
  return found;
}

interface Target {
  readonly Key?: string;
  readonly Values?: readonly string[];
}

/** User guide, "Send commands at scale": `tag:Key`, `tag-key`, `InstanceIds`; several keys are ANDed, values ORed. */
function matches(agent: SimAgent, { Key = "", Values = [] }: Target, state: SsmState): boolean {
  const tags = state.tagsOf(agent);
  if (Key === "InstanceIds") return Values.includes(agent.instanceId) || Values.includes("*");
  if (Key === "tag-key") return Values.some((each) => each in tags);
  if (Key.startsWith("tag:")) {
    const value = tags[Key.slice("tag:".length)];
    return value !== undefined && Values.includes(value);
  }
  throw faults.validation(`The simulation has no targets by ${Key}.`);
}
