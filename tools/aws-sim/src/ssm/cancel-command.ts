import { type SimCall, textOf } from "../sim-call.ts";
import { cancelInvocations } from "./play-command.ts";
import { constraint, ssmFaults as faults } from "./ssm-faults.ts";
import type { SsmState } from "./ssm-state.ts";

/** API reference, "CancelCommand", InstanceIds: at most 50. */
const MAX_IDS = 50;

/** CancelCommand: of all of a command, or on some instances. Nothing is promised about what runs. */
export function cancelCommand(state: SsmState, call: SimCall): unknown {
  const commandId = textOf(call.input, "CommandId");
  const given: unknown = call.input["InstanceIds"];
  const ids = Array.isArray(given) ? given.map(String) : [];
  if (ids.length > MAX_IDS) {
    throw constraint("instanceIds", ids, `Member must have length less than or equal to ${MAX_IDS}`);
  }
  if (new Set(ids).size < ids.length) throw faults.duplicateInstance("An instance is listed twice.");
  const command = state.commandsOf(call).find((each) => each.commandId === commandId);
  if (command === undefined) throw faults.commandMissing(commandId);
  const known = new Set(command.invocations.map(({ instanceId }) => instanceId));
  const unknown = ids.filter((id) => !known.has(id));
  if (unknown.length > 0) throw faults.instances(unknown, call.identity.account);
  cancelInvocations(command, ids.length === 0 ? undefined : new Set(ids), call.now);
  return {};
}
