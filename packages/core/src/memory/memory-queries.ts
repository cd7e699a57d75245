import type { Retention, StackQueries } from "../ports/stack-queries.ts";
import type { QueuedEvent } from "../ports/stack-store.ts";
import type { CommitParts } from "./memory-commit.ts";
import type { Guard } from "./memory-guard.ts";
import type { MemoryRecords } from "./memory-records.ts";

const HISTORY_PRUNED_AT_ONCE = 10_000;

/** What lists and upkeep read and write. */
export interface QueryParts extends CommitParts {
  readonly records: MemoryRecords;
  readonly enqueue: (event: QueuedEvent) => void;
}

/** The part of the port for people and upkeep. */
export function guardQueries(guard: Guard, parts: QueryParts): StackQueries {
  const { stacks, attempts, rows, history, setAside } = parts;
  return {
    listStacks: guard(stacks.list),
    listHistory: guard(history.list),
    listParkedStackIds: guard(stacks.listParkedIds),
    listSetAside: guard(setAside.list),
    redrive: guard((ids: readonly string[]) => ids.filter((id) => redriveOne(parts, id))),
    stats: guard(() => ({
      ...stacks.count(),
      queuedEvents: rows.events.size,
      queuedTasks: rows.tasks.size,
      setAsideEvents: setAside.size,
      openAttempts: attempts.countOpen(),
    })),
    prune: guard((retention, now) => prune(parts, retention, now)),
  };
}

function redriveOne({ setAside, enqueue }: QueryParts, id: string): boolean {
  const entry = setAside.remove(id);
  if (entry !== undefined) enqueue(entry.event);
  return entry !== undefined;
}

function prune(
  { stacks, attempts, history, setAside, records }: QueryParts,
  retention: Retention,
  now: number,
): boolean {
  stacks.pruneEventIds(retention, now);
  attempts.prune(now - retention.settledAttemptMs);
  setAside.prune(now - retention.setAsideMs);
  records.removeExpired(now);
  return history.prune(now - retention.historyMs, HISTORY_PRUNED_AT_ONCE);
}
