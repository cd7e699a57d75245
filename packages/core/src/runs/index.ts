export { createRuns, type RunOptions, type RunRequest, type Runs, type RunsDeps } from "./create-runs.ts";
export type { RunFilter, RunState, RunView } from "./load-run.ts";
