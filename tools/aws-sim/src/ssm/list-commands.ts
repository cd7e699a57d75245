import { findText, type SimCall } from "../sim-call.ts";
import { commandStanding } from "./command-status.ts";
import { isOver, type SimCommand, toStatus } from "./sim-command.ts";
import { constraint, ssmFaults as faults } from "./ssm-faults.ts";
import type { SsmState } from "./ssm-state.ts";
import { toCommand } from "./to-command.ts";
import { toPage } from "./to-page.ts";

/** API reference, "ListCommands": MaxResults from 1 to 50, at most 5 filters. */
const LIMITS = { min: 1, max: 50, usual: 50 };
const MAX_FILTERS = 5;
/** "ListCommands", CommandId: 36 characters. */
export const COMMAND_ID = /^[0-9a-f-]{36}$/;

/** A filter of commands or invocations. */
export interface CommandFilter {
  readonly key: string;
  readonly value: string;
}

/** ListCommands: the newest first, by id, instance and filters. */
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
export function commandFiltersOf(input: SimCall["input"]): readonly CommandFilter[] {
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

/** True when an instant lies where `InvokedAfter` and `InvokedBefore` say; other filters let all pass. */
export function matchesTime({ key, value }: CommandFilter, at: number): boolean {
  if (key === "InvokedAfter") return at >= Date.parse(value);
  return key !== "InvokedBefore" || at <= Date.parse(value);
}

/** True when a detailed or a short state is what the filter says. */
export function matchesStatus({ key, value }: CommandFilter, details: string): boolean {
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
