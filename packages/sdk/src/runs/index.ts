export type { Run, RunState } from "@stackyard/core/api";
export {
  createRunsClient,
  type NewRun,
  type ReportOptions,
  type RunFilter,
  type RunOperationOptions,
  type RunsApi,
  type WaitForRunOptions,
} from "./runs-api.ts";
