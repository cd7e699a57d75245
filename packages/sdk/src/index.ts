export { isStackyardError, StackyardError } from "@stackyard/core";
export type { WatchOptions } from "./event-stream.ts";
export type { Page, UnreadableRow } from "./http-client.ts";
export { type CallOptions, type ProblemDetails, StackyardApiError, type StackyardOptions } from "./http-client.ts";
export type {
  MachineDetails,
  MachineSummary,
  MachinesApi,
  ProcessesApi,
  SimulationLine,
  YardProcess,
} from "./machines-api.ts";
export {
  type Duplicate,
  EventNotAppliedError,
  type EventsApi,
  type MachineEvents,
  type NewEvent,
  type PublishedEvent,
  type Publisher,
  type PublishResult,
} from "./publisher.ts";
export type {
  Attempt,
  DeadLetter,
  HistoryEntry,
  LastFailure,
  ListedParkedEvent,
  MetadataValue,
  OperationResult,
  Outcome,
  PageOptions,
  ParkedEvent,
  Reachable,
  StackDetails,
  StackFilter,
  StackSummary,
  StacksApi,
  StackTask,
} from "./stacks-api.ts";
export { Stackyard } from "./stackyard.ts";
export type { UpgradePlan, UpgradeResult } from "./upgrade.ts";
export type { WaitForOutcomeOptions, WaitForStateOptions, WaitGoal, WaitOptions } from "./waiting.ts";
