import type { Machine } from "../machine/machine.ts";
import type { Revision } from "../ports/locator.ts";
import type { Revisions } from "../ports/store.ts";
import type { CompileRevision } from "./compile-revision.ts";

/** Compiled revisions of the store, and which of the located ones it has already. */
export interface RevisionCache {
  /** The machine of a kept revision; undefined when it is not kept or no longer compiles. */
  find(hash: string): Promise<Machine | undefined>;
  /** True when its source is kept, whether it compiles or not. */
  isKept(hash: string): Promise<boolean>;
  /** Notes a revision that a stack may soon refer to. */
  offer(revision: Revision): void;
  /** Makes sure that an offered revision is kept before a stack refers to it. */
  keep(hash: string): Promise<void>;
}

const LIMIT = 1_000;

/** An empty cache over the store's revisions. */
export function createRevisionCache(
  revisions: Pick<Revisions, "put" | "get">,
  compile: CompileRevision,
): RevisionCache {
  const compiled = new Map<string, Machine>();
  const kept = new Map<string, true>();
  const offered = new Map<string, Revision>();
  return {
    async find(hash) {
      const cached = compiled.get(hash);
      if (cached !== undefined) return cached;
      const revision = await revisions.get(hash);
      const machine = revision === undefined ? undefined : compile(revision);
      if (machine === undefined) return undefined;
      remember(kept, hash, true);
      remember(compiled, hash, machine);
      return machine;
    },
    isKept: async (hash) => kept.has(hash) || (await revisions.get(hash)) !== undefined,
    offer(revision) {
      if (!kept.has(revision.hash)) remember(offered, revision.hash, revision);
    },
    async keep(hash) {
      const revision = offered.get(hash);
      if (revision === undefined) return;
      await revisions.put(revision);
      remember(kept, hash, true);
      offered.delete(hash);
    },
  };
}

/** Sets an entry and lets the oldest go when there are too many. */
export function remember<Value>(cache: Map<string, Value>, key: string, value: Value): void {
  if (cache.size >= LIMIT && !cache.has(key)) {
    const oldest = cache.keys().next();
    if (!oldest.done) cache.delete(oldest.value);
  }
  cache.set(key, value);
}
