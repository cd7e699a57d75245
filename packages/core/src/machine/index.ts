export { createSimulation, readStep, type Simulation } from "../simulation/simulation.ts";
export type { SimulationLine } from "../simulation/simulation-line.ts";
export type { SimulationStack } from "../simulation/stack-step.ts";
export { approvalDefinition } from "./approval.ts";
export { attemptIdOf, idempotencyKeyOf, parseAttemptId } from "./attempt-id.ts";
export type { BroughtCommit, CommitVerdict } from "./commit.ts";
export { mayApprove } from "./decide/answer-approval.ts";
export { decide, formatUnknownMachine } from "./decide/decide.ts";
export type { Decision } from "./decide/decision.ts";
export { mayAnswer } from "./decide/may-answer.ts";
export { DEFAULT_LIMITS, type DecideLimits } from "./decide/work.ts";
export type { DefinedMachine, EventOf } from "./define-machine.ts";
export { DURATION_PATTERN, formatDuration, parseDuration } from "./document/duration.ts";
export type { Problem } from "./document/problem-list.ts";
export { isMergeKey, toKeyText, YAML_OPTIONS } from "./document/read-yaml.ts";
export { parseYamlDocument, type YamlDocument } from "./document/yaml-document.ts";
export {
  EventMessage,
  type ParsedEvent,
  parseEventMessage,
  type StackEvent,
  SYSTEM_EVENTS,
  unwrapBody,
} from "./event-message.ts";
export type { ExecutorRegistry } from "./executor-definition.ts";
export { compileCel } from "./expression/compile-expression.ts";
export { compileCelTemplate, hasExpression } from "./expression/compile-template.ts";
export type { Cel, CelTemplate, Evaluated, ExpressionFault } from "./expression/expression.ts";
export { toDot, toMermaid } from "./graph/to-diagram.ts";
export { type DrawOptions, type Graph, toGraph } from "./graph/to-graph.ts";
export { jobStackId } from "./job-machine.ts";
export { type CompileResult, JOB_MACHINE, type Machine } from "./machine.ts";
export { type OperatorAction, toOperatorMessage } from "./operator-message.ts";
export { type ParseMachineOptions, parseMachine, parseMachineDocument, toMachineSource } from "./parse-machine.ts";
export { parseTaskMessage } from "./task-message.ts";
export { upgradeMachine } from "./upgrade/upgrade-machine.ts";
export { createMachineV1Schema, machineV1Schema } from "./v1/machine-v1-schema.ts";
export { createMachineV2Schema, machineV2Schema } from "./v2/machine-v2-schema.ts";
