export { type CommandSpec, createCommand } from "./create-command.ts";
export { createProgressTeller, type ProgressTeller } from "./create-progress-teller.ts";
export {
  createRunsCommand,
  type OpenRuns,
  openRuns,
  type RunsCommandSpec,
  type RunsContext,
} from "./create-runs-command.ts";
export { type FollowRunOptions, followRun } from "./follow-run.ts";
export { formatTable, type TableOptions, truncateText } from "./format-table.ts";
export { loadConfigFile } from "./load-config-file.ts";
export { keyArg, toFollowArgs, toRunArg } from "./run-args.ts";
