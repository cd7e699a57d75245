import type { HistoryEntry } from "@stackyard/sdk";

/** The activity within some time. */
export interface Slot {
  readonly from: number;
  readonly events: number;
  readonly failures: number;
  readonly successes: number;
}

/**
 * Counts lines of the history in equal slots that end at `now`. Lines before `from` are left out.
 */
export function countActivity(
  entries: readonly HistoryEntry[],
  { from, now, slots }: { readonly from: number; readonly now: number; readonly slots: number },
): readonly Slot[] {
  const length = (now - from) / slots;
  const counts = Array.from({ length: slots }, (_, index) => ({
    from: from + index * length,
    events: 0,
    failures: 0,
    successes: 0,
  }));
  for (const { at, event } of entries) {
    const slot = counts[Math.min(slots - 1, Math.floor((Date.parse(at) - from) / length))];
    if (slot === undefined) continue;
    slot.events += 1;
    if (event === "TASK_ERROR") slot.failures += 1;
    if (event === "TASK_COMPLETED") slot.successes += 1;
  }
  return counts;
}
