export {
  type CommandSpec,
  createCommand,
  createProgressTeller,
  createRunsCommand,
  type FollowRunOptions,
  followRun,
  keyArg,
  loadConfigFile,
  type OpenRuns,
  openRuns,
  type ProgressTeller,
  type RunsCommandSpec,
  type RunsContext,
  toFollowArgs,
  toRunArg,
} from "./command.ts";
export { formatTable, type TableOptions, truncateText } from "./format-table.ts";
