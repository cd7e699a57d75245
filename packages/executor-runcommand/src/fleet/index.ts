export { type EventHome, type InstanceDecision, parseInstanceEvent } from "./parse-instance-event.ts";
export { type PipelineDecision, parsePipelineEvent } from "./parse-pipeline-event.ts";
export { parseUserParameters, type UserParameters } from "./user-parameters.ts";
