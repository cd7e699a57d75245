import type { DueItem } from "../ports/work-queue.ts";

/** One take. Numbers grow. */
export interface Take {
  readonly number: number;
  readonly now: number;
  readonly leaseMs: number;
}

/** One kind of due work. */
export interface DueSource {
  /** When the item became due that `takeOne` would give. */
  findDueAt(take: Take): number | undefined;
  /** Hides what it gives until the end of its lease; undefined when that is gone. */
  takeOne(take: Take): DueItem | undefined;
  nextDueAt(): number | undefined;
}

/** Takes what is due, oldest first over all sources. */
export function takeFrom(sources: readonly DueSource[], take: Take, limit: number): readonly DueItem[] {
  const items: DueItem[] = [];
  while (items.length < limit) {
    const oldest = findOldest(sources, take);
    if (oldest === undefined) break;
    const item = oldest.takeOne(take);
    if (item !== undefined) items.push(item);
  }
  return items;
}

function findOldest(sources: readonly DueSource[], take: Take): DueSource | undefined {
  let oldest: DueSource | undefined;
  let oldestAt = Number.POSITIVE_INFINITY;
  for (const source of sources) {
    const dueAt = source.findDueAt(take);
    if (dueAt === undefined || dueAt >= oldestAt) continue;
    oldest = source;
    oldestAt = dueAt;
  }
  return oldest;
}

/** The earliest instant at which one of them may have something. */
export function findNextDueAt(sources: readonly DueSource[]): number | undefined {
  const instants = sources.flatMap((source) => source.nextDueAt() ?? []);
  return instants.length === 0 ? undefined : Math.min(...instants);
}
