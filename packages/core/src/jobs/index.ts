export { createJobs, type JobOptions, type JobRequest, type Jobs, type JobsDeps } from "./create-jobs.ts";
export type { JobFilter, JobView, RunState } from "./load-job.ts";
