import { findText, type SimCall, textOf } from "../sim-call.ts";
import { commandStanding, toPlugin, toStepFields, toStepResults } from "./play-command.ts";
import { detailsOf, isOver, type SimCommand, type SimInvocation, toStatus } from "./sim-command.ts";
import { constraint, ssmFaults as faults, type SsmState, toPage } from "./ssm-state.ts";

/** API reference, "ListCommands": MaxResults from 1 to 50, at most 5 filters. */
const LIMITS = { min: 1, max: 50, usual: 50 };
const MAX_FILTERS = 5;
/** "ListCommands", CommandId: 36 characters. */
const COMMAND_ID = /^[0-9a-f-]{36}$/;

/** A filter of commands or invocations. */
interface CommandFilter {
  readonly key: string;
  readonly value: string;
}

/** Implements ListCommands: the newest first, by id, instance and filters. */
export function listCommands(state: SsmState, call: SimCall): unknown {
  const { input, now } = call;
  const commandId = findText(input, "CommandId");
  const instanceId = findText(input, "InstanceId");
  if (commandId !== undefined && !COMMAND_ID.test(commandId)) throw faults.commandMissing(commandId);
  const filters = commandFiltersOf(input);
  const found = state
    .commandsOf(call)
    .filter((each) => each.requestedAt + state.limits.commandLagMs <= now)
    .filter((each) => commandId === undefined || each.commandId === commandId)
    .filter((each) => instanceId === undefined || each.invocations.some((one) => one.instanceId === instanceId))
    .filter((each) => filters.every((filter) => matches(each, filter, now)));
  const { rows, next } = toPage(found.toReversed(), call, LIMITS);
  return { Commands: rows.map((each) => toCommand(each, now)), ...next };
}

/** Reads filters. Source: API reference, "CommandFilter" (keys; values of 1 to 128 characters). */
function commandFiltersOf(input: SimCall["input"]): readonly CommandFilter[] {
  const filters: readonly CommandFilter[] = Array.isArray(input["Filters"]) ? input["Filters"] : [];
  if (filters.length > MAX_FILTERS) {
    throw constraint("filters", filters, `Member must have length less than or equal to ${MAX_FILTERS}`);
  }
  for (const { key, value } of filters) {
    if (!["InvokedAfter", "InvokedBefore", "Status", "ExecutionStage", "DocumentName"].includes(key)) {
      throw faults.filterKey(key);
    }
    if (value.length === 0 || value.length > 128)
      throw constraint("filters.1.member.value", value, "Member must have length between 1 and 128");
  }
  return filters;
}

/** Returns true if an instant matches `InvokedAfter` and `InvokedBefore`; other filters match everything. */
function matchesTime({ key, value }: CommandFilter, at: number): boolean {
  if (key === "InvokedAfter") return at >= Date.parse(value);
  return key !== "InvokedBefore" || at <= Date.parse(value);
}

/** Returns true if a detailed or a short state matches the filter. */
function matchesStatus({ key, value }: CommandFilter, details: string): boolean {
  return key !== "Status" || value === details || value === toStatus(details);
}

function matches(command: SimCommand, filter: CommandFilter, now: number): boolean {
  const { details } = commandStanding(command, now);
  if (filter.key === "DocumentName" && command.documentName !== filter.value) return false;
  if (filter.key === "ExecutionStage") {
    const isExecuting = !isOver(details as never);
    return filter.value === "Executing" ? isExecuting : !isExecuting;
  }
  return matchesTime(filter, command.requestedAt) && matchesStatus(filter, details);
}

/** Follows the API reference, "ListCommandInvocations": MaxResults from 1 to 50. */

/** Implements ListCommandInvocations: of commands that have been known for some seconds. */
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

/** Implements GetCommandInvocation: one, with the output of its only step, or of the step that is named. */
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

/** Follows "PluginName": may be left out when there is one step; of several steps nothing is shown then. */
function stepFieldsOf(
  command: SimCommand,
  invocation: SimInvocation,
  { name, now }: { readonly name: string | undefined; readonly now: number },
): object {
  const results = toStepResults(command, invocation, now);
  const wanted = name === undefined && results.length === 1 ? results[0]?.step.name : name;
  const result = results.find(({ step }) => step.name === wanted);
  if (result !== undefined) return toStepFields(result);
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
  const plugins = withDetails ? toStepResults(command, invocation, now).map((result) => toPlugin(command, result)) : [];
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

/** Returns a command in the format of ListCommands and SendCommand. Source: API reference, "Command". */
export function toCommand(command: SimCommand, now: number): Readonly<Record<string, unknown>> {
  const { details, completed, errors, deliveryTimedOut } = commandStanding(command, now);
  const { requestedAt, deliverySeconds, executionSeconds, output } = command;
  return {
    CommandId: command.commandId,
    DocumentName: command.documentName,
    DocumentVersion: command.documentVersion,
    Comment: command.comment,
    Parameters: command.parameters,
    // User guide, "Understanding command timeout values": the total is delivery plus execution.
    ExpiresAfter: new Date(requestedAt + (deliverySeconds + executionSeconds) * 1_000),
    InstanceIds: command.instanceIds,
    Targets: command.targets,
    RequestedDateTime: new Date(requestedAt),
    Status: toStatus(details),
    StatusDetails: details,
    OutputS3BucketName: output.bucket,
    OutputS3KeyPrefix: output.prefix,
    MaxConcurrency: command.maxConcurrency,
    MaxErrors: command.maxErrors,
    TimeoutSeconds: deliverySeconds,
    TargetCount: command.invocations.length,
    CompletedCount: completed,
    ErrorCount: errors,
    DeliveryTimedOutCount: deliveryTimedOut,
    CloudWatchOutputConfig: command.logs,
  };
}
