import type { FleetInstanceReport } from "./fleet-report.ts";
import { addInstances, type FleetRun, type RunState } from "./fleet-run.ts";
import { toConcurrency, toCount } from "./to-count.ts";

/** What a run begins with. */
export interface CreateRunInput
  extends Pick<RunState, "runId" | "attempt" | "startedAt" | "artifact" | "way" | "byInventory"> {
  readonly members: readonly FleetInstanceReport[];
  readonly maxConcurrency: string | number;
  readonly maxErrors: string | number;
}

/** A run of which nothing has been sent. Percentages are of the instances that were selected. */
export function createRun({ members, maxConcurrency, maxErrors, ...given }: CreateRunInput): FleetRun {
  const selected = members.filter(({ state }) => state !== "skipped").length;
  const state: RunState = {
    version: 1,
    ...given,
    maxConcurrency: toConcurrency(maxConcurrency, selected),
    maxErrors: toCount(maxErrors, selected),
    nextChunk: 1,
    sending: [],
    tallies: [],
  };
  return addInstances({ state, pages: new Map([[0, []]]) }, members);
}
