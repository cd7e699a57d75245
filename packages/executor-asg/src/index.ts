import { definePlugin } from "@stackyard/core";
import { createAsgExecutor } from "./asg.ts";
import { createReleaseCommands } from "./commands/create-release-commands.ts";

export { type AsgExecutorOptions, createAsgExecutor } from "./asg.ts";
export { AsgConfig, asgDefinition } from "./definition.ts";
export { evaluateHealth, type HealthInput, type HealthJudgement } from "./deploy/health.ts";
export { type ParsedRelease, type ParseReleaseOptions, parseRelease } from "./document/parse-release.ts";
export type { Release, ReleaseProblem, ReleaseWarning, Service } from "./document/release.ts";
export { decideHalt, type HaltDecision, type HaltInput } from "./halt.ts";
export {
  type CapacityPlan,
  type CapacityRules,
  type NextCapacity,
  nextCapacity,
  planCapacity,
} from "./plan/capacity.ts";
export { type SeedDraw, serviceId } from "./plan/names.ts";
export { compareReleases, type ReleaseDifference } from "./plan/plan-release.ts";
export { renderUserData, type UserDataFacts } from "./plan/user-data.ts";
export { PRESETS, type PresetName, type ReleaseConstants } from "./presets.ts";
export { type Authorisation, authoriseResource, type Resource, type ServiceScope } from "./resources/authorise.ts";
export { findPredecessors, type GroupFacts, type Predecessors } from "./resources/groups.ts";

/** The plugin of the executor `asg`, with the commands about releases. */
export default definePlugin({
  name: "asg",
  executors: [createAsgExecutor()],
  commands: createReleaseCommands(),
});
