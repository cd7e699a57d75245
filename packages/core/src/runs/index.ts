export { createRuns, type RunOptions, type RunRequest, type Runs, type RunsDeps } from "./create-runs.ts";
export type { RunFilter } from "./list-runs.ts";
export { parseRunId } from "./run-id.ts";
export type { RunState, RunView } from "./to-run-view.ts";
