import { definePlugin } from "@stackyard/core";
import { openJobs } from "@stackyard/sdk/commands";
import { createEcsCommands } from "./commands/ecs-commands.ts";
import { createEcsExecutor } from "./ecs.ts";

export {
  type CriteriaChange,
  type CriteriaResult,
  criteriaChanged,
  decideRequest,
  type RequestAction,
  type RequestFacts,
} from "./custom-resource/decide-request.ts";
export { type PropertiesResult, parseProperties, type TaskProperties } from "./custom-resource/parse-properties.ts";
export { toResponse } from "./custom-resource/response.ts";
export { EcsConfig, EcsOutputs, EcsProgress, ecsDefinition } from "./definition.ts";
export { createEcsExecutor } from "./ecs.ts";
export { type CheckContainers, type JudgedTask, type Judgement, judge, type TaskFailure } from "./judge.ts";
export { type ParsedOverrides, parseOverrides, type TaskOverrides, type ValueProblem } from "./parse-overrides.ts";

/** The plugin of the executor `ecs`, with the commands `ecs run`, `ecs logs` and `ecs resources`. */
export default definePlugin({
  name: "ecs",
  executors: () => [createEcsExecutor()],
  commands: createEcsCommands(openJobs),
});
