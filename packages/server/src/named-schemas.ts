import { Attempt } from "./schemas/attempt.ts";
import { EventBody, OperationAnswer, PublishAnswer, PublishResult } from "./schemas/event.ts";
import { HistoryEntry, SetAsideEvent } from "./schemas/history.ts";
import { MachineDetails, MachineProblem, MachineSummary, SimulationLine } from "./schemas/machine.ts";
import { Metadata, ParkedEvent, StackDetails, StackSummary } from "./schemas/stack.ts";

/** Schemas under the names that the OpenAPI document gives them. */
export const namedSchemas = {
  Attempt,
  EventMessage: EventBody,
  HistoryEntry,
  MachineDetails,
  MachineProblem,
  MachineSummary,
  Metadata,
  OperationAnswer,
  ParkedEvent,
  PublishAnswer,
  PublishResult,
  SetAsideEvent,
  SimulationLine,
  StackDetails,
  StackSummary,
};
