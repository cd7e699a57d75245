import type { PlacedAggregate } from "./placed-aggregate.ts";

/** Stacks as they were loaded last, so that the commit that follows need not read them again. */
export interface RecentStacks {
  keep(stackId: string, aggregate: PlacedAggregate): void;
  /** Once: the commit changes it. */
  take(stackId: string): PlacedAggregate | undefined;
}

const MOST = 500;

/** The write is conditional on what was loaded, so an old one only makes the commit read after all. */
export function createRecentStacks(): RecentStacks {
  const recent = new Map<string, PlacedAggregate>();
  return {
    keep(stackId, aggregate) {
      // What says that something is absent is not written on conditionally.
      if (aggregate.place.kind !== "live" || aggregate.isFresh) return;
      recent.delete(stackId);
      recent.set(stackId, aggregate);
      const [oldest] = recent.keys();
      if (recent.size > MOST && oldest !== undefined) recent.delete(oldest);
    },
    take(stackId) {
      const aggregate = recent.get(stackId);
      recent.delete(stackId);
      return aggregate;
    },
  };
}
