export { isStackyardError, StackyardError } from "@stackyard/core";
export { type ProblemDetails, StackyardApiError } from "./api-error.ts";
export { EventNotAppliedError } from "./event-not-applied-error.ts";
export type { EventsApi } from "./events-api.ts";
export type { HistoryEntry, Outcome, Page, PageOptions, SetAsideEvent, UnreadableRow } from "./history-entry.ts";
export type { CallOptions, StackyardOptions } from "./http-client.ts";
export type { MachineDetails, MachineSummary, MachinesApi, SimulationLine } from "./machines-api.ts";
export type { ProcessesApi, YardProcess } from "./processes-api.ts";
export type { Duplicate, MachineEvents, NewEvent, PublishedEvent, Publisher, PublishResult } from "./publisher.ts";
export type {
  Attempt,
  LastFailure,
  ListedParkedEvent,
  MetadataValue,
  ParkedEvent,
  Reachable,
  StackDetails,
  StackFilter,
  StackSummary,
  StackTask,
} from "./stack.ts";
export type { OperationResult, StacksApi } from "./stacks-api.ts";
export { Stackyard } from "./stackyard.ts";
export type { UpgradePlan, UpgradeResult } from "./upgrade.ts";
export type { WaitGoal } from "./wait-goal.ts";
export type { WaitForOutcomeOptions, WaitForStateOptions, WaitOptions } from "./waiting.ts";
export type { WatchOptions } from "./watch-history.ts";
