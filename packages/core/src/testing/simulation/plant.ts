import type { Stack } from "../../machine/stack.ts";
import type { Change, LoadedStack } from "../../ports/stack-store.ts";
import type { Store } from "../../ports/store.ts";

/** A promise that a store breaks, in order to see whether the simulator notices. */
export interface PlantedBug {
  readonly name: string;
  /** The invariant that is there to notice; others may as well. */
  readonly breaks: string;
  readonly plant: (store: Store) => Store;
}

/** Writes other changes. */
export function onChanges(replace: (change: Change) => Change): (store: Store) => Store {
  return (store) => ({ ...store, commit: (changes) => store.commit(changes.map(replace)) });
}

type Replace = (change: Change, before: Stack | undefined) => Change;

/** Writes other changes, depending on the stored record. */
export function onCommits(replace: Replace): (store: Store) => Store {
  return (store) => ({
    ...store,
    async commit(changes) {
      const loaded = await store.load(changes.map(({ stackId }) => stackId));
      return store.commit(changes.map((change, index) => replace(change, loaded[index]?.stack)));
    },
  });
}

/** Shows the engine another record than the stored one. */
export function onLoaded(replace: (stack: Stack) => Stack): (store: Store) => Store {
  const show = (loaded: LoadedStack): LoadedStack => {
    return loaded.stack === undefined ? loaded : { ...loaded, stack: replace(loaded.stack) };
  };
  return (store) => ({ ...store, load: async (ids) => (await store.load(ids)).map(show) });
}
