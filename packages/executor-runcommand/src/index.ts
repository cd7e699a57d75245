import { definePlugin } from "@stackyard/core";
import { openRuns } from "@stackyard/sdk/commands";
import { createFleetCommands } from "./commands/create-fleet-commands.ts";
import { createRunCommandExecutor } from "./run-command.ts";
import { RunCommandOptions } from "./run-command-options.ts";

export { ChunkSizeError, chunk } from "./chunk.ts";
export { RunCommandConfig, RunCommandOutputs, runCommandDefinition } from "./definition.ts";
export { applyArtifactDocument } from "./document/apply-artifact-document.ts";
export { garlcLines } from "./document/garlc-lines.ts";
export { ProfileDefinition } from "./document/profile-definition.ts";
export { type InstanceDecision, parseInstanceEvent } from "./fleet/parse-instance-event.ts";
export { type PipelineDecision, parsePipelineEvent } from "./fleet/parse-pipeline-event.ts";
export { parseUserParameters, type UserParameters } from "./fleet/user-parameters.ts";
export type { FleetCounts, FleetInstanceReport, FleetReportPage } from "./fleet-report.ts";
export { type Inventory, type InventoryFault, inventory } from "./inventory.ts";
export { type FleetHtmlOptions, toFleetHtml } from "./report/to-fleet-html.ts";
export { type FleetReport, type FleetStanding, type RoleCounts, toFleetReport } from "./report/to-fleet-report.ts";
export { type FleetTableOptions, toFleetTable } from "./report/to-fleet-table.ts";
export { createRunCommandExecutor, type RunCommandDeps } from "./run-command.ts";
export { RunCommandOptions } from "./run-command-options.ts";
export { type KnownInstance, type Selection, type SelectOptions, selectInstances } from "./select-instances.ts";
export { type InstanceOutcome, type InstanceState, toInstanceState } from "./to-instance-state.ts";

/** The plugin of the executor `runcommand`, with the commands about fleets. */
export default definePlugin({
  name: "runcommand",
  options: RunCommandOptions,
  executors: (options) => [createRunCommandExecutor(options)],
  commands: createFleetCommands(openRuns),
});
