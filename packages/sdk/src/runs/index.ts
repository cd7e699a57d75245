export type { Run, RunState } from "@stackyard/core/api";
export {
  createRunsClient,
  type JobFilter,
  type NewRun,
  type ReportOptions,
  type RunOperationOptions,
  type RunsApi,
  type WaitForRunOptions,
} from "./runs-api.ts";
