import type { Store } from "@stackyard/core";
import type { Change } from "@stackyard/core/engine";

/** A store whose commits are followed by something; what follows must not throw, for they have happened. */
export function watchCommits(store: Store, follow: (changes: readonly Change[]) => Promise<void>): Store {
  return {
    ...store,
    async commit(changes) {
      const results = await store.commit(changes);
      const committed = changes.filter((_, index) => results[index]?.kind === "committed");
      if (committed.length > 0) await follow(committed);
      return results;
    },
  };
}
