import { LATE_MS } from "../machine/watched-time.ts";
import type { Clock } from "../ports/clock.ts";
import type { DueItem } from "../ports/stack-store.ts";

/** Limits that a process remembers: more than attempts end at once. */
const MOST_REMEMBERED = 10_000;

/**
 * Returns whether the limit of an attempt, or of its cancel, waits for one more look: when it was due more than a minute
 * ago, and this process sees it for the first time. The yard was away, so the worker that polls the attempt now may find
 * that its work has ended. The item is received again when its lease has ended.
 */
export function createLateLimits({ now }: Pick<Clock, "now">): (item: DueItem) => boolean {
  const seen = new Set<string>();
  return (item) => {
    if (item.kind !== "deadline" || now() - item.dueAt <= LATE_MS) return false;
    const limit = `${item.attemptId} ${item.dueAt}`;
    if (seen.has(limit)) return false;
    if (seen.size >= MOST_REMEMBERED) seen.clear();
    seen.add(limit);
    return true;
  };
}
