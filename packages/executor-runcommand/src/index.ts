import { definePlugin } from "@stackyard/core";
import { openJobs } from "@stackyard/sdk/commands";
import { createFleetCommands } from "./commands/fleet-commands.ts";
import { RunCommandOptions } from "./document/profile-definition.ts";
import { createRunCommandExecutor } from "./run-command.ts";

export { RunCommandConfig, RunCommandOutputs, runCommandDefinition } from "./definition.ts";
export { applyArtifactDocument } from "./document/apply-artifact-document.ts";
export { ProfileDefinition, RunCommandOptions } from "./document/profile-definition.ts";
export { type InstanceDecision, parseInstanceEvent } from "./fleet/parse-instance-event.ts";
export {
  type PipelineDecision,
  parsePipelineEvent,
  parseUserParameters,
  type UserParameters,
} from "./fleet/parse-pipeline-event.ts";
export {
  type FleetReport,
  type FleetReportOptions,
  type FleetStanding,
  type RoleCounts,
  toFleetReport,
} from "./report/to-fleet-report.ts";
export { type FleetTableOptions, toFleetTable } from "./report/to-fleet-table.ts";
export type { FleetCounts, FleetInstanceReport, FleetReportPage } from "./report-page.ts";
export { createRunCommandExecutor, type RunCommandDeps } from "./run-command.ts";
export {
  type Inventory,
  type InventoryFault,
  inventory,
  type KnownInstance,
  type Selection,
  type SelectOptions,
  selectInstances,
} from "./select-instances.ts";

/** The plugin of the executor `runcommand`, with the commands about fleets. */
export default definePlugin({
  name: "runcommand",
  options: RunCommandOptions,
  executors: (options) => [createRunCommandExecutor(options)],
  commands: createFleetCommands(openJobs),
});
