export { createJobs, type JobOptions, type JobRequest, type JobsDeps, type Runs } from "./create-jobs.ts";
export type { JobFilter, JobView, RunState } from "./load-job.ts";
