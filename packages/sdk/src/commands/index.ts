export { type ApiRequest, createHttpClient, type HttpClient } from "../http-client.ts";
export { createPreviewsApi, type OrphanPage, type PreviewFilter, type PreviewsApi } from "../previews-api.ts";
export { formatTable, type TableOptions, toCell, truncateText } from "./format-table.ts";
export {
  createProgressTeller,
  type FollowRunOptions,
  type FollowStartedOptions,
  followRun,
  followStarted,
  keyArg,
  loadConfigFile,
  type OpenRuns,
  openRuns,
  type ProgressTeller,
  type RunsContext,
  type StartRunInput,
  startArgs,
  startRun,
  toFollowArgs,
  toRunArg,
  withRuns,
} from "./run-commands.ts";
