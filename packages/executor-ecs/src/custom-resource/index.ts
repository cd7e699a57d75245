export { type CustomResourceRequest, isResponseUrl, parseRequest } from "@stackyard/aws/custom-resource";
export { createEcsTask, type EcsTaskFunction } from "./create-ecs-task.ts";
export {
  type CriteriaChange,
  type CriteriaRefusal,
  type CriteriaResult,
  criteriaChanged,
} from "./criteria-changed.ts";
export {
  decideRequest,
  listNeededFacts,
  type NoneReason,
  type RequestAction,
  type RequestFacts,
} from "./decide-request.ts";
export { type EcsTaskStateMachineOptions, toEcsTaskStateMachine } from "./ecs-task-state-machine.ts";
export { toClientToken, toExecutionName, toResourceId } from "./identity.ts";
export type { InvocationContext } from "./invocation.ts";
export { type PropertiesResult, parseProperties, type TaskProperties } from "./parse-properties.ts";
export type { PropertyProblem } from "./property-readers.ts";
export { type CustomResourceResponse, type ResourceOutcome, type ResponseData, toResponse } from "./to-response.ts";
export type { EcsTaskDeps, SdkClient } from "./turn.ts";
export type { UpdateCriterion } from "./update-criteria.ts";
