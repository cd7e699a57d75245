import type { Clock, Logger, Random } from "@stackyard/core";
import type { Table } from "./database.ts";
import type { Listeners } from "./listeners.ts";
import type { RecentStacks } from "./recent-stacks.ts";
import type { RecentWork } from "./recent-work.ts";
import type { Serializer } from "./serializer.ts";

/** What the parts of a store share. */
export interface StoreContext {
  readonly stacks: Table;
  readonly work: Table;
  /** False: the stacks' table has no index of due stacks, so the sweep scans. */
  readonly hasDueIndex: boolean;
  /** False: an attempt that nobody claims ends at its time-out, without a day at least. */
  readonly runnersHaveStore: boolean;
  /** Real time: only for what callers' instants are no measure of. */
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly listeners: Listeners;
  /** One at a time by key, within this process. */
  readonly serialize: Serializer;
  readonly recent: RecentStacks;
  readonly recentWork: RecentWork;
  /** True: the index of work is not read, and what is due is what this process has written. Default: false. */
  readonly takesOwnOnly?: boolean;
  /** Numbers that grow within this process, and nearly so over all. */
  nextNumber(): number;
}
