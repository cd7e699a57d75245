import { nameSender } from "@stackyard/core";
import type { Attempt, HistoryEntry } from "@stackyard/sdk";
import type { UseQueryResult } from "@tanstack/react-query";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { hasFailed, itemsOf, useLoad } from "../api/use-load.ts";

/** Lines of the history, of which a job has few. */
const LINES = 200;

/** The facts of the work on a job. */
export interface RunWork {
  /** Newest first; undefined while they are not known. */
  readonly attempts: readonly Attempt[] | undefined;
  /** Newest first. */
  readonly history: readonly HistoryEntry[];
  /** Who started it; undefined while that is not known. */
  readonly starter: string | undefined;
  /** The load for a notice that something of this could not be loaded. */
  readonly load: UseQueryResult<unknown>;
}

/** Loads the attempts of a job, and who started it. */
export function useRunWork(jobId: string): RunWork {
  const attempts = useLoad(keys.stack(jobId, "attempts"), (request) => yard.stacks.attempts(jobId, request));
  const lines = useLoad(keys.stack(jobId, "history", { newest: LINES }), (request) =>
    yard.stacks.history(jobId, { limit: LINES, ...request }),
  );
  const history = itemsOf(lines);
  // With more lines the first one is not among them.
  const first = lines.data !== undefined && lines.data.cursor === undefined ? history.at(-1) : undefined;
  const starter = first && nameSender(first, history);
  return { attempts: attempts.data, history, starter, load: hasFailed(lines) ? lines : attempts };
}
