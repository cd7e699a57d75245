export { type CustomResourceRequest, isResponseUrl, parseRequest } from "@stackyard/aws/custom-resource";
export { createEcsTask, type EcsTaskFunction } from "./create-ecs-task.ts";
export {
  type CriteriaChange,
  type CriteriaRefusal,
  type CriteriaResult,
  criteriaChanged,
  decideRequest,
  type NoneReason,
  type RequestAction,
  type RequestFacts,
} from "./decide-request.ts";
export { type EcsTaskStateMachineOptions, toEcsTaskStateMachine } from "./ecs-task-state-machine.ts";
export { toClientToken, toExecutionName, toResourceId } from "./identity.ts";
export {
  type PropertiesResult,
  type PropertyProblem,
  parseProperties,
  type TaskProperties,
  type UpdateCriterion,
} from "./parse-properties.ts";
export {
  type CustomResourceResponse,
  type ResourceOutcome,
  type ResponseData,
  toResponse,
} from "./response.ts";
export type { EcsTaskDeps, SdkClient } from "./turn.ts";
