import { findText, type SimCall, textOf } from "../sim-call.ts";
import { COMMAND_ID, commandFiltersOf, matchesStatus, matchesTime } from "./list-commands.ts";
import { detailsOf, type SimCommand, type SimInvocation, toStatus } from "./sim-command.ts";
import { ssmFaults as faults } from "./ssm-faults.ts";
import type { SsmState } from "./ssm-state.ts";
import { toPage } from "./to-page.ts";
import { toPlugin, toStepFields, toStepResults } from "./to-plugins.ts";

/** API reference, "ListCommandInvocations": MaxResults from 1 to 50. */
const LIMITS = { min: 1, max: 50, usual: 50 };

/** ListCommandInvocations: of commands that have been known for some seconds. */
export function listCommandInvocations(state: SsmState, call: SimCall): unknown {
  const { input, now } = call;
  const commandId = findText(input, "CommandId");
  const instanceId = findText(input, "InstanceId");
  if (commandId !== undefined && !COMMAND_ID.test(commandId)) throw faults.commandMissing(commandId);
  const filters = commandFiltersOf(input);
  // "The ExecutionStage filter can't be used with the ListCommandInvocations operation."
  if (filters.some(({ key }) => key === "ExecutionStage")) throw faults.filterKey("ExecutionStage");
  const found = knownCommands(state, call)
    .filter((command) => commandId === undefined || command.commandId === commandId)
    .flatMap((command) => command.invocations.map((invocation) => ({ command, invocation })))
    .filter(({ invocation }) => instanceId === undefined || invocation.instanceId === instanceId)
    .filter(({ command, invocation }) =>
      filters.every(
        (filter) =>
          matchesTime(filter, command.requestedAt) &&
          matchesStatus(filter, detailsOf(invocation, now)) &&
          (filter.key !== "DocumentName" || filter.value === command.documentName),
      ),
    );
  const { rows, next } = toPage(found, call, LIMITS);
  const withDetails = input["Details"] === true;
  return {
    CommandInvocations: rows.map(({ command, invocation }) => toInvocation(command, invocation, now, withDetails)),
    ...next,
  };
}

/** GetCommandInvocation: one, with the output of its only step, or of the step that is named. */
export function getCommandInvocation(state: SsmState, call: SimCall): unknown {
  const { input, now } = call;
  const commandId = textOf(input, "CommandId");
  const instanceId = textOf(input, "InstanceId");
  if (!COMMAND_ID.test(commandId)) throw faults.commandMissing(commandId);
  const command = knownCommands(state, call).find((each) => each.commandId === commandId);
  const invocation = command?.invocations.find((each) => each.instanceId === instanceId);
  if (command === undefined || invocation === undefined) throw faults.invocationMissing("");
  const details = detailsOf(invocation, now);
  return {
    CommandId: commandId,
    InstanceId: instanceId,
    Comment: command.comment,
    DocumentName: command.documentName,
    DocumentVersion: command.documentVersion,
    Status: toStatus(details),
    StatusDetails: details,
    CloudWatchOutputConfig: command.logs,
    ...stepFieldsOf(command, invocation, { name: findText(input, "PluginName"), now }),
  };
}

/** "PluginName": may be left out when there is one step; of several steps nothing is shown then. */
function stepFieldsOf(
  command: SimCommand,
  invocation: SimInvocation,
  { name, now }: { readonly name: string | undefined; readonly now: number },
): object {
  const results = toStepResults(command, invocation, now);
  const wanted = name === undefined && results.length === 1 ? results[0]?.step.name : name;
  const result = results.find(({ step }) => step.name === wanted);
  if (result !== undefined) return toStepFields(command, invocation.instanceId, result);
  if (name !== undefined) throw faults.plugin(`The document has no step ${name}.`);
  const nothing = { ExecutionStartDateTime: "", ExecutionEndDateTime: "", ExecutionElapsedTime: "" };
  const noUrls = { StandardOutputUrl: "", StandardErrorUrl: "" };
  return {
    PluginName: "",
    ResponseCode: -1,
    StandardOutputContent: "",
    StandardErrorContent: "",
    ...nothing,
    ...noUrls,
  };
}

function knownCommands(state: SsmState, call: SimCall): readonly SimCommand[] {
  return state.commandsOf(call).filter((each) => each.requestedAt + state.limits.invocationLagMs <= call.now);
}

function toInvocation(command: SimCommand, invocation: SimInvocation, now: number, withDetails: boolean): unknown {
  const details = detailsOf(invocation, now);
  const { instanceId } = invocation;
  const plugins = withDetails
    ? toStepResults(command, invocation, now).map((result) => toPlugin(command, instanceId, result))
    : [];
  return {
    CommandId: command.commandId,
    InstanceId: instanceId,
    InstanceName: "",
    Comment: command.comment,
    DocumentName: command.documentName,
    DocumentVersion: command.documentVersion,
    RequestedDateTime: new Date(command.requestedAt),
    Status: toStatus(details),
    StatusDetails: details,
    CommandPlugins: plugins,
  };
}
