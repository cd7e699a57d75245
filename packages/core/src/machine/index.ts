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
export { MACHINE_LIMITS, type MachineLimits } from "./machine-limits.ts";
export { type ParseMachineOptions, parseMachine, parseMachineDocument, toMachineSource } from "./parse-machine.ts";
