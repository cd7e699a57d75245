import { StackyardError } from "@stackyard/core";
import type { Runs, RunView } from "@stackyard/core/runs";

/** How a run stands. Throws `NOT_FOUND`. */
export async function loadRun(runs: Runs, runId: string): Promise<RunView> {
  const run = await runs.find(runId);
  if (run === undefined) throw new StackyardError("NOT_FOUND", `There is no run "${runId}".`);
  return run;
}
