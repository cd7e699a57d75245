import type { AttemptStore } from "./attempt-store.ts";
import type { Revision } from "./locator.ts";
import type { Records } from "./records.ts";
import type { Retention, StackQueries } from "./stack-queries.ts";
import type { StackStore } from "./stack-store.ts";
import type { WorkQueue } from "./work-queue.ts";

/** Sources of machines by content hash. All revisions that a stack uses are kept. */
export interface Revisions {
  /** Adds it; a known hash is passed over. */
  put(revision: Revision): Promise<void>;
  get(hash: string): Promise<Revision | undefined>;
  /** The hashes of a machine's kept revisions that begin with these hexadecimal digits, ascending, at most 10. */
  findHashes(name: string, prefix: string): Promise<readonly string[]>;
}

/** What has changed, as far as a store can tell in this process or by notification; a hint, never the truth. */
export interface StoreSignal {
  readonly kind: "event" | "task" | "history";
}

/**
 * Where all state lives. Every call has one commit point: it has happened whole, or not at all, when the process
 * dies at any instant; what follows from it may be finished by `takeDue`. Errors of the medium are
 * `STORE_UNAVAILABLE` (retryable) or `STORE_CORRUPT`.
 */
export interface Store extends StackStore, AttemptStore, WorkQueue {
  readonly queries: StackQueries;
  readonly revisions: Revisions;
  readonly records: Records;
  /** Removes what is older than it is kept. Bounded work a call; true when more is left. */
  prune(retention: Retention, now: number): Promise<boolean>;
  /** Calls the listener soon after something was queued or recorded. Returns the way to stop. */
  watch(listener: (signal: StoreSignal) => void): () => void;
  /** Finishes what is under way. Later calls fail with `STORE_CLOSED`. */
  close(): Promise<void>;
}
