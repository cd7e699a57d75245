import type { Store } from "@stackyard/core";
import type { OpenedStore } from "./open-store.ts";

/**
 * A store that hands out what this process itself has just left in it, for who works that after its commits: processes that
 * look for all that is due find the same, and all but one of them lose it. What dead processes have left is found by sweeps.
 * A store that cannot tell, or in which looking costs nothing, hands out all.
 */
export function toOwnWork<S extends Pick<Store, "takeDue">>(store: S, { takeOwn }: Pick<OpenedStore, "takeOwn">): S {
  return takeOwn === undefined ? store : { ...store, takeDue: takeOwn };
}
