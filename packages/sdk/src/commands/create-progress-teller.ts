import type { CommandOutput } from "@stackyard/core";
import type { Run } from "../runs/run.ts";

/** Tells how far a run is: a line for people, and what is known beside run and state. */
export type ProgressTeller = (run: Run, line: string, facts: Readonly<Record<string, unknown>>) => void;

/** Makes one that tells a line only where it differs from the one before. */
export function createProgressTeller(out: CommandOutput): ProgressTeller {
  let last = "";
  return ({ runId, state }, line, facts) => {
    if (line !== last) out.progress({ kind: "progress", runId, state, ...facts }, () => line);
    last = line;
  };
}
