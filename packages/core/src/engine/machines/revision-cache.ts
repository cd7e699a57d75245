import type { ExecutorRegistry } from "../../machine/executor-definition.ts";
import { parseJobMachine } from "../../machine/job-machine.ts";
import { JOB_MACHINE, type Machine } from "../../machine/machine.ts";
import { parseMachine } from "../../machine/parse-machine.ts";
import { RecentMap } from "../../machine/recent-map.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Revision } from "../../ports/locator.ts";
import type { Revisions } from "../../ports/store.ts";

/** A cache of compiled revisions. Notes which of the located revisions the store already has. */
export interface RevisionCache {
  /** Returns the machine of a stored revision; undefined when it is not stored or no longer compiles. */
  find(hash: string): Promise<Machine | undefined>;
  /** Finds a machine like `find`, without I/O. Returns undefined for a revision that is not in the cache. */
  findCompiled(hash: string): Machine | undefined;
  /** Returns true when the source is stored, whether it compiles or not. */
  isKept(hash: string): Promise<boolean>;
  /** Notes a revision that a stack may soon refer to. */
  offer(revision: Revision): void;
  /** Stores an offered revision. Must be called before a stack refers to it. */
  keep(hash: string): Promise<void>;
  /** Takes no revision for stored any more: each is stored again before a stack refers to it. */
  forget(): void;
}

const MOST_REVISIONS = 1_000;

/** Creates an empty cache over the store's revisions. */
export function createRevisionCache(
  revisions: Pick<Revisions, "put" | "list"> & { get(hash: string): Promise<Revision | undefined> },
  compile: CompileRevision,
  clock: Pick<Clock, "now">,
): RevisionCache {
  const compiled = new RecentMap<string, Machine>(MOST_REVISIONS);
  const kept = new RecentMap<string, Revision>(MOST_REVISIONS);
  const offered = new RecentMap<string, Revision>(MOST_REVISIONS);
  return {
    findCompiled: (hash) => compiled.get(hash),
    async find(hash) {
      const cached = compiled.get(hash);
      if (cached !== undefined) return cached;
      const revision = await revisions.get(hash);
      const machine = revision === undefined ? undefined : compile(revision);
      if (revision === undefined || machine === undefined) return undefined;
      kept.set(hash, revision);
      compiled.set(hash, machine);
      return machine;
    },
    isKept: async (hash) => kept.has(hash) || (await revisions.get(hash)) !== undefined,
    offer(revision) {
      if (!kept.has(revision.hash)) offered.set(revision.hash, revision);
    },
    async keep(hash) {
      const revision = offered.get(hash);
      if (revision === undefined) return;
      await revisions.put(revision, await findPlace(revisions, revision, clock.now()));
      kept.set(hash, revision);
      offered.delete(hash);
    },
    forget() {
      for (const [hash, revision] of kept) offered.set(hash, revision);
      kept.clear();
    },
  };
}

/**
 * Returns when a revision counts as first seen: after all others of its machine that the store has, also within a millisecond
 * and where the clock of this process is behind. Revisions with one place would take stacks to and fro.
 */
async function findPlace(revisions: Pick<Revisions, "list">, { name }: Revision, now: number): Promise<number> {
  const [newest] = (await revisions.list(name, { limit: 1 })).items;
  return newest === undefined ? now : Math.max(now, newest.firstSeenAt + 1);
}

/** Compiles a kept revision; undefined when it no longer compiles. */
export type CompileRevision = (revision: Revision) => Machine | undefined;

/** Creates a compiler of stored revisions for the registered executors. */
export function createCompileRevision(executors: ExecutorRegistry): CompileRevision {
  return (revision) => {
    if (revision.name === JOB_MACHINE) return parseJobMachine(revision.source);
    return parseMachine(revision.source, { name: revision.name, executors, kept: true }).machine;
  };
}
