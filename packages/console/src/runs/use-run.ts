import { nameSender } from "@stackyard/core";
import type { Attempt, HistoryEntry } from "@stackyard/sdk";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { useLoad } from "../api/use-load.ts";

/** Lines of the history, of which a job has few. */
const LINES = 200;

/** The facts of the work on a job. */
export interface RunWork {
  /** Newest first; undefined while they are loading. */
  readonly attempts: readonly Attempt[] | undefined;
  /** Newest first. */
  readonly history: readonly HistoryEntry[];
  /** Who started it; undefined while that is not known. */
  readonly starter: string | undefined;
}

/** Loads the attempts of a job, and who started it. */
export function useRunWork(jobId: string): RunWork {
  const attempts = useLoad(keys.stack(jobId, "attempts"), (request) => yard.stacks.attempts(jobId, request));
  const { data } = useLoad(keys.stack(jobId, "history", { newest: LINES }), (request) =>
    yard.stacks.history(jobId, { limit: LINES, ...request }),
  );
  const history = data?.items ?? [];
  // With more lines the first one is not among them.
  const first = data !== undefined && data.cursor === undefined ? history.at(-1) : undefined;
  const starter = first && nameSender(first, history);
  return { attempts: attempts.data, history, starter };
}
