import type { Revision } from "../ports/locator.ts";
import type { Revisions } from "../ports/store.ts";
import type { Guard } from "./memory-guard.ts";
import { toFrozen } from "./memory-value.ts";

/** Sources of machines by hash. */
export function createMemoryRevisions(guard: Guard): Revisions {
  const byHash = new Map<string, Revision>();
  return {
    put: guard((revision) => {
      if (!byHash.has(revision.hash)) byHash.set(revision.hash, toFrozen(revision));
    }),
    get: guard((hash) => byHash.get(hash)),
    findHashes: guard((name, prefix) =>
      [...byHash.values()]
        .filter((revision) => revision.name === name && revision.hash.startsWith(prefix))
        .map(({ hash }) => hash)
        .sort()
        .slice(0, 10),
    ),
  };
}
