import type { Store } from "@stackyard/core";
import { createMemoryStore } from "@stackyard/core/engine";

declare global {
  /** The store that `store.mjs` of a test project opens: all its processes run in this one. */
  var stackyardTestStore: Store | undefined;
}

/** Creates a store that several processes of one test share, and the project files that configure it. */
export function makeSharedStore(): { readonly files: Readonly<Record<string, string>>; readonly store: Store } {
  const store = createMemoryStore();
  globalThis.stackyardTestStore = store;
  const text =
    "export const createStore = async () => ({ ...globalThis.stackyardTestStore, close: async () => {} });\n";
  return { files: { "store.mjs": text }, store };
}
