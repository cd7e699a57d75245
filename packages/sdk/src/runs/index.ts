export {
  createRunsClient,
  type NewRun,
  type ReportOptions,
  type Run,
  type RunFilter,
  type RunOperationOptions,
  type RunState,
  type RunsApi,
  type WaitForRunOptions,
} from "./runs-api.ts";
