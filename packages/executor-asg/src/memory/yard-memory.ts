import type { Clock, Records } from "@stackyard/core";
import type { LockFiles } from "../lock/lock-files.ts";
import { createRecordLockFiles } from "../lock/record-lock-files.ts";
import { createReleaseLocks } from "../lock/release-locks.ts";
import type { ReleaseConstants } from "../release-constants.ts";
import type { ReleaseMemory } from "../release-deps.ts";
import { createFileMemory } from "./file-memory.ts";

/** Whose records. */
export interface YardMemoryOptions {
  readonly records: Records;
  readonly clock: Clock;
  readonly generation: ReleaseConstants["generation"];
  /** Where the release goes to: one yard deploys to many accounts and regions. */
  readonly at: { readonly account: string; readonly region: string };
  /** Who deploys, for whoever finds the lock. */
  readonly by?: string;
}

/** The files in a yard of what goes to one account and region. */
export function createYardLockFiles({
  records,
  clock,
  at,
}: Pick<YardMemoryOptions, "records" | "clock" | "at">): LockFiles {
  return createRecordLockFiles({ records, clock, prefix: `releases/${at.account}/${at.region}/` });
}

/** The yard's records as a release's memory. There is no second channel: the yard knows who may start a run. */
export function createYardMemory({ records, clock, generation, at, by }: YardMemoryOptions): ReleaseMemory {
  const files = createYardLockFiles({ records, clock, at });
  const locks = createReleaseLocks({
    files,
    clock,
    generation,
    unlockWords: ["--region", at.region],
    ...(by === undefined ? {} : { by }),
  });
  return createFileMemory({ files, locks, clock, generation, isSecondChannel: false });
}
