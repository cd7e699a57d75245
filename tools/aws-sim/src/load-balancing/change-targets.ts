import { type SimCall, SimFault, textOf } from "../sim-call.ts";
import { drainMsOf } from "./target-group.ts";
import { openTargetGroup, type TargetGroups } from "./target-groups.ts";
import type { TargetRef } from "./targets.ts";

/** "Register targets": a target has to pass one health check, and the default interval is 30 seconds. */
const FIRST_CHECK_MS = 30_000;

/** RegisterTargets: they are checked for health, and answer well. A target that drains is taken back. */
export function registerTargets(groups: TargetGroups, call: SimCall): unknown {
  const group = openTargetGroup(groups, textOf(call.input, "TargetGroupArn"), call);
  for (const target of targetsOf(call)) {
    group.targets.register({ port: group.port, ...target }, { healthyAt: call.now + FIRST_CHECK_MS });
  }
  return {};
}

/** DeregisterTargets: they drain, and are targets no more. One that is none fails the whole request. */
export function deregisterTargets(groups: TargetGroups, call: SimCall): unknown {
  const group = openTargetGroup(groups, textOf(call.input, "TargetGroupArn"), call);
  const targets = targetsOf(call);
  const strangers = targets.filter(({ id }) => group.targets.find(id, call.now) === undefined);
  if (strangers.length > 0) {
    const ids = strangers.map(({ id }) => `'${id}'`).join(", ");
    throw new SimFault("InvalidTargetException", 400, `The following targets are not registered: ${ids}`);
  }
  for (const target of targets) {
    group.targets.deregister(target, { now: call.now, drainMs: drainMsOf(group) });
  }
  return {};
}

function targetsOf({ input }: SimCall): readonly TargetRef[] {
  const targets = Array.isArray(input["Targets"]) ? input["Targets"] : [];
  return targets.map(({ Id, Port }) => ({ id: String(Id), ...(typeof Port === "number" ? { port: Port } : {}) }));
}
