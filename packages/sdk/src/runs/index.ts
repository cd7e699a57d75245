export { createRunsClient } from "./create-runs-client.ts";
export type { NewRun, Run, RunFilter, RunState } from "./run.ts";
export type { ReportOptions, RunOperationOptions, RunsApi } from "./runs-api.ts";
export type { WaitForRunOptions } from "./wait-for-run.ts";
