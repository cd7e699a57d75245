export { createRuns, type RunOptions, type RunRequest, type Runs, type RunsDeps } from "./create-runs.ts";
export type { RunFilter } from "./list-runs.ts";
export type { RunState, RunView } from "./to-run-view.ts";
