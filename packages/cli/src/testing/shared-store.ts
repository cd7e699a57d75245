import type { Store } from "@stackyard/core";
import { createMemoryStore } from "@stackyard/core/engine";

declare global {
  /** The store that `store.mjs` of a test project opens: all its processes run in this one. */
  var stackyardTestStore: Store | undefined;
}

/** A configuration's store that several processes of one test share: files of the project, and the store itself. */
export function makeSharedStore(): { readonly files: Readonly<Record<string, string>>; readonly store: Store } {
  const store = createMemoryStore();
  globalThis.stackyardTestStore = store;
  const text =
    "export const createStore = async () => ({ ...globalThis.stackyardTestStore, close: async () => {} });\n";
  return { files: { "store.mjs": text }, store };
}
