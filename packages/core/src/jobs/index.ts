export { createJobs, type JobOptions, type JobRequest, type Jobs, type JobsDeps } from "./create-jobs.ts";
export type { JobFilter, JobState, JobView } from "./load-job.ts";
