export { type AttemptParts, attemptIdOf, idempotencyKeyOf, parseAttemptId } from "./attempt-id.ts";
export { decide } from "./decide.ts";
export type { Decision } from "./decision.ts";
export {
  type ActionDocument,
  type DefinedMachine,
  defineMachine,
  type EventOf,
  type MachineDocument,
  type StateDocument,
  type TaskDocument,
} from "./define-machine.ts";
export { formatDuration, parseDuration } from "./duration.ts";
export type { StackEvent } from "./event.ts";
export { EventMessage } from "./event-message.ts";
export { MACHINE_LIMITS, type MachineLimits } from "./machine-limits.ts";
export { isParkedCode } from "./parked-code.ts";
export { type ParsedEvent, type ParseEventOptions, parseEventMessage } from "./parse-event-message.ts";
export { type ParseMachineOptions, parseMachine, parseMachineDocument, toMachineSource } from "./parse-machine.ts";
export { parseRunMachine, type RunMachineInput, runMachineSource, runStackId } from "./run-machine.ts";
export { createSimulation, type Simulation } from "./simulation.ts";
export type { SimulationLine } from "./simulation-line.ts";
export { DEFAULT_LIMITS, type DecideLimits } from "./work.ts";
