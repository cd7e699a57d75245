import { RecentMap } from "../machine/recent-map.ts";
import type { Change, CommitResult, LoadedStack } from "../ports/stack-store.ts";

/** A cache of stacks as this process wrote them last. */
export interface WrittenStacks {
  find(stackId: string): LoadedStack | undefined;
  /** Forgets all: a store that was set back gives versions a second time. */
  forget(): void;
  /** Notes the result of a commit. Keeps only stacks that have attempts in this process and no parked events. */
  note(loaded: LoadedStack, change: Change, result: CommitResult | undefined): void;
}

const MAX_WRITTEN = 512;

/**
 * Creates the cache of stacks on which results are decided without a load. An entry may be outdated: every other write,
 * also one that parks an event, increments the version of the stack, so the commit is a conflict, and the result is
 * decided again on a fresh load.
 */
export function createWrittenStacks(): WrittenStacks {
  const stacks = new RecentMap<string, LoadedStack>(MAX_WRITTEN);
  return {
    find: (stackId) => stacks.get(stackId),
    forget: () => stacks.clear(),
    note(loaded, { stackId, write, park }, result) {
      const runsHere = stacks.delete(stackId);
      if (result?.kind !== "committed" || write.kind !== "put" || loaded.parked.length + park.length > 0) return;
      const { grants = [], version } = result;
      if (grants.length === 0 && !(runsHere && write.stack.runs.length > 0)) return;
      stacks.set(stackId, { stackId, version, stack: write.stack, parked: [] });
    },
  };
}
