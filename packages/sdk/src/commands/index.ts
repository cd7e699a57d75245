export {
  type ApiRequest,
  createHttpClient,
  findServerFault,
  type HttpClient,
  type ServerFault,
} from "../http-client.ts";
export { createPreviewsApi, type OrphanPage, type PreviewFilter, type PreviewsApi } from "../previews-api.ts";
export { type Finding, fail, failOf, look, ok, reportFindings, warn } from "./finding.ts";
export { formatTable, type TableOptions, toCell, truncateText } from "./format-table.ts";
export {
  createProgressTeller,
  type FollowJobOptions,
  type FollowStartedOptions,
  followJob,
  followStarted,
  type JobsContext,
  keyArg,
  loadConfigFile,
  type OpenJobs,
  openJobs,
  type ProgressTeller,
  type StartJobInput,
  startArgs,
  startJob,
  toFollowArgs,
  toJobArg,
  withJobs,
} from "./job-commands.ts";
