import { Attempt } from "./schemas/attempt.ts";
import { EventBody, OperationAnswer, PublishAnswer, PublishResult } from "./schemas/event.ts";
import { HistoryEntry, SetAsideEvent } from "./schemas/history.ts";
import {
  MachineDetails,
  MachineGraph,
  MachineProblem,
  MachineSummary,
  Preview,
  SimulationLine,
} from "./schemas/machine.ts";
import { YardProcess } from "./schemas/process.ts";
import { Run, RunReport } from "./schemas/run.ts";
import { ListedParkedEvent, Metadata, ParkedEvent, StackDetails, StackSummary, Wait } from "./schemas/stack.ts";
import { StateVersion, TerraformState } from "./schemas/terraform-state.ts";
import { UpgradePlan, UpgradeResult } from "./schemas/upgrade.ts";

/** Schemas under the names that the OpenAPI document gives them. */
export const namedSchemas = {
  Attempt,
  EventMessage: EventBody,
  HistoryEntry,
  ListedParkedEvent,
  MachineDetails,
  MachineGraph,
  MachineProblem,
  MachineSummary,
  Metadata,
  OperationAnswer,
  ParkedEvent,
  Preview,
  PublishAnswer,
  PublishResult,
  Run,
  RunReport,
  SetAsideEvent,
  SimulationLine,
  StackDetails,
  StackSummary,
  StateVersion,
  TerraformState,
  UpgradePlan,
  UpgradeResult,
  Wait,
  YardProcess,
};
