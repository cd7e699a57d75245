export { createFleet, type FleetAnswer, type FleetApp } from "./create-fleet.ts";
export type { BootSettings, FleetDeps, FleetSettings } from "./fleet-deps.ts";
export { failJob } from "./handle-job.ts";
export { type JobResult, toFailureResult, toJobResult } from "./job-result.ts";
export {
  type EventHome,
  type HookDecision,
  type InstanceDecision,
  parseHookEvent,
  parseInstanceEvent,
} from "./parse-instance-event.ts";
export {
  type PipelineDecision,
  parsePipelineEvent,
  parseUserParameters,
  type UserParameters,
} from "./parse-pipeline-event.ts";
export { toArtifactPrefix } from "./pin-artifact.ts";
