import type { Clock, Logger, Random } from "@stackyard/core";
import type { Aggregate } from "./aggregate.ts";
import type { Table } from "./database.ts";
import type { Listeners } from "./listeners.ts";
import type { RecentWork } from "./recent-work.ts";
import type { Serializer } from "./serializer.ts";
import type { LoadedStack } from "./stack-item.ts";
import type { NewEntry } from "./yard-log.ts";

/** What the parts of a store share. */
export interface StoreContext {
  readonly stacks: Table;
  readonly work: Table;
  /** False: the stacks' table has no index of due stacks, so the sweep scans. */
  readonly hasDueIndex: boolean;
  /** False: an attempt that no one claims ends at its timeout, without a day at least. */
  /** Real time: only for what callers' instants are no measure of. */
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly listeners: Listeners;
  /** One at a time by key, within this process. */
  readonly serialize: Serializer;
  /** Stacks as they were loaded last, so that the commit that follows need not read them again. */
  readonly loaded: Map<string, LoadedStack>;
  readonly recent: RecentWork;
  /** Task messages that `takeOwn` handed out, by receipt, and until when: see there. */
  readonly handedOut: Map<string, number>;
  /** Outbox entries that this process has finished: they leave their item with its next write. */
  readonly done: Set<string>;
  /** Writes the lines that writes of an aggregate have left to write, as far as it gets. */
  record(stackId: string, written: Aggregate): Promise<void>;
  /** Does the rest of what the last write of an aggregate has left to do, as far as it gets. */
  publish(stackId: string, written: Aggregate): Promise<void>;
  /** Numbers that grow within this process, and nearly so over all. */
  nextNumber(): number;
  /** Lists a row of the history of the yard. Gives the position of its first line. */
  listRow(entry: NewEntry): Promise<number>;
}
