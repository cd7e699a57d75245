export { createFleet, type FleetAnswer, type FleetApp, type FleetContext } from "./create-fleet.ts";
export type { BootSettings, FleetDeps, FleetSettings } from "./fleet-deps.ts";
export { type JobResult, toFailureResult, toJobResult } from "./job-result.ts";
export { toArtifactPrefix } from "./newest-artifact.ts";
export { type HookDecision, parseHookEvent } from "./parse-hook-event.ts";
export { type EventHome, type InstanceDecision, parseInstanceEvent } from "./parse-instance-event.ts";
export { type PipelineDecision, parsePipelineEvent } from "./parse-pipeline-event.ts";
export { findRunReport } from "./run-report.ts";
export { parseUserParameters, type UserParameters } from "./user-parameters.ts";
