export type { Job, JobState } from "@stackyard/core/api";
export {
  createJobsClient,
  type JobFilter,
  type JobOperationOptions,
  type JobsApi,
  type NewJob,
  type ReportOptions,
  type WaitForJobOptions,
} from "./jobs-api.ts";
