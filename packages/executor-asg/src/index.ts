import { definePlugin } from "@stackyard/core";
import { createAsgExecutor } from "./asg.ts";
import { createReleaseCommands } from "./commands/create-release-commands.ts";

export { type AsgExecutorOptions, createAsgExecutor } from "./asg.ts";
export { type NextCapacity, nextCapacity } from "./capacity/next-capacity.ts";
export { type CapacityPlan, type CapacityRules, planCapacity } from "./capacity/plan-capacity.ts";
export { AsgConfig, asgDefinition } from "./definition.ts";
export { type ParsedRelease, type ParseReleaseOptions, parseRelease } from "./document/parse-release.ts";
export type { Release, Service } from "./document/release.ts";
export type { ReleaseProblem, ReleaseWarning } from "./document/release-problem.ts";
export { toReleaseSchema } from "./document/to-release-schema.ts";
export { decideHalt, type HaltDecision, type HaltInput } from "./halt/decide-halt.ts";
export { type HealthInput, type HealthJudgement, judgeHealth } from "./health/judge-health.ts";
export { type SeedDraw, serviceId } from "./names/service-id.ts";
export { PRESETS, type PresetName, type ReleaseConstants } from "./release-constants.ts";
export { authoriseResource, type Resource } from "./resources/authorise-resource.ts";
export { findPredecessors, type Predecessors } from "./resources/find-predecessors.ts";
export type { Authorisation, ServiceScope } from "./resources/service-scope.ts";
export type { GroupFacts } from "./resources/sort-groups.ts";
export { compareReleases, type ReleaseDifference } from "./safe-release/compare-releases.ts";
export { renderUserData, type UserDataFacts } from "./user-data/render-user-data.ts";

/** The plugin of the executor `asg`, with the commands about releases. */
export default definePlugin({
  name: "asg",
  executors: [createAsgExecutor()],
  commands: createReleaseCommands(),
});
