import type { Metadata, Stack } from "../machine/stack.ts";
import type { MainCondition } from "../machine/stack-health.ts";
import type { KeptRevision, ListedRevision, Revision } from "./locator.ts";
import type { Page, PageInput, Records } from "./records.ts";
import type {
  AttemptStore,
  AttemptView,
  CorrectedAttempt,
  DeadLetter,
  StackStore,
  StoredHistoryEntry,
} from "./stack-store.ts";
import type { StoreMemory } from "./store-memory.ts";
import type { WorkQueue } from "./work-queue.ts";

/** Sources of machines by content hash. All revisions that a stack uses are kept. */
export interface Revisions {
  /** Adds a revision as one that is seen now for the first time; ignores a known hash. */
  put(revision: Revision, now: number): Promise<void>;
  get(hash: string): Promise<KeptRevision | undefined>;
  /** Lists the revisions of a machine, most recently seen first. Pages are bounded as those of `StackQueries`. */
  list(name: string, page: PageInput): Promise<Page<ListedRevision>>;
  /**
   * Returns the hashes of a machine's stored revisions that begin with these hexadecimal digits, ascending, at most 10.
   */
  findHashes(name: string, prefix: string): Promise<readonly string[]>;
}

/**
 * A change, as far as a store notices it in this process or by notification; only a hint. `progress`: a running attempt
 * has reported a line, or was suspended. `moved`: the connection has ended or was made anew, perhaps to another server, or to one that
 * was set back to an earlier time: what is cached of the store no longer counts.
 */
export interface StoreSignal {
  readonly kind: "event" | "task" | "history" | "progress" | "moved";
}

/**
 * The store of all state. Every call has one commit point: when the process dies at any instant, the call has happened
 * completely, or not at all; `takeDue` may finish its consequences. Errors of the storage are `STORE_UNAVAILABLE`
 * (retryable) or `STORE_CORRUPT`.
 */
export interface Store extends StackStore, AttemptStore, WorkQueue {
  readonly queries: StackQueries;
  readonly memory: StoreMemory;
  readonly revisions: Revisions;
  readonly records: Records;
  /**
   * Removes rows that are older than their retention. Does a bounded amount of work per call; returns true when more is
   * left.
   */
  prune(retention: Retention, now: number): Promise<boolean>;
  /**
   * Corrects the attempts with instants that only a process with a clock that was ahead can have noted, as `correctAttempt`
   * does: leases that end later than any can (`MOST_LEASE_MS`), deadlines, polls and cancels. Returns each correction at most
   * once. A store may also correct attempts with the other work of a call; then it writes their line (`toCorrectedLine`) itself.
   */
  correctAttempts(now: number): Promise<readonly CorrectedAttempt[]>;
  /**
   * Names the sessions of other programs that hold rows of the store locked for longer than a call waits: their stacks do
   * not continue before these transactions end. Missing in stores without such locks.
   */
  listLockHolders?(): Promise<readonly string[]>;
  /** Calls the listener soon after something was queued or recorded. Returns the way to stop. */
  watch(listener: (signal: StoreSignal) => void): () => void;
  /** Finishes the running calls. Later calls fail with `STORE_CLOSED`. */
  close(): Promise<void>;
}

/**
 * Stacks of some machines whose ids have some prefix. A missing field matches everything; an empty list matches
 * nothing.
 */
export interface StackScope {
  readonly machines?: readonly string[];
  readonly idPrefixes?: readonly string[];
}

/** A filter for stacks; a missing field matches every stack. */
export interface StackFilter {
  readonly machine?: string;
  readonly state?: string;
  /** Only ids with this prefix. */
  readonly idPrefix?: string;
  /** Ids that contain this text. Case-sensitive. */
  readonly text?: string;
  readonly condition?: StackCondition;
  /** The first condition that is true of the stack. */
  readonly mainCondition?: MainCondition;
  /** The stack needs a person, or it does not. */
  readonly needsPerson?: boolean;
  /** The stack does not move to the newest revision of its machine yet, or nothing holds it back. */
  readonly behind?: boolean;
  /** True: jobs. False: stacks that are not jobs. */
  readonly jobs?: boolean;
  /** A task of that name is in ERROR; with `code`, with that code. */
  readonly task?: string;
  /** A task is in ERROR with that code; the empty text: without one. */
  readonly code?: string;
  /** These and no others, at most 1,000 (`USAGE`). */
  readonly ids?: readonly string[];
  /** The hash of the revision that the stack was last decided on. */
  readonly revision?: string;
  /**
   * Values that the metadata must have, at most 5 (`USAGE`). A key that is sensitive in a stack fits no value. A row
   * that cannot be read may fit or not, as with `task` and `code`.
   */
  readonly metadata?: Metadata;
  /**
   * At least one of these must match; an empty list matches no stack. For callers that may see only a part of the yard.
   */
  readonly scopes?: readonly StackScope[];
}

/**
 * The conditions by which stacks are filtered; several may be true of one. As in `MAIN_CONDITIONS`, but `failed` is a task
 * in ERROR only, and `waiting`: one of the others, or an event is parked.
 */
export const STACK_CONDITIONS = ["failed", "degraded", "stalled", "overdue", "approval", "busy", "waiting"] as const;

/** One of `STACK_CONDITIONS`. */
export type StackCondition = (typeof STACK_CONDITIONS)[number];

/** The orders of stacks; `-` reverses one. Stacks of one instant are in order of their ids. */
export const STACK_SORTS = [
  "id",
  "-id",
  "createdAt",
  "-createdAt",
  "updatedAt",
  "-updatedAt",
  "enteredAt",
  "-enteredAt",
] as const;

/** One of `STACK_SORTS`. */
export type StackSort = (typeof STACK_SORTS)[number];

/** A page of stacks, and their order. */
export interface ListStacksInput extends PageInput {
  /** Default: `id`. */
  readonly sort?: StackSort;
  /** Stacks that may be sorted by an instant. Default and maximum: 100,000. */
  readonly mostSorted?: number;
}

/** Which open attempts are listed. Machine and id are those of the attempt's stack. */
export interface OpenAttemptFilter extends Pick<StackFilter, "machine" | "idPrefix" | "scopes"> {
  readonly status?: Exclude<AttemptView["status"], "settled">;
  readonly executor?: string;
}

/** An attempt that has not ended, with the machine that has sent it. */
export interface OpenAttempt extends AttemptView {
  readonly machine: string;
}

/** The property by which stacks are counted. */
export type StackGrouping = "machine" | "state" | "condition" | "mainCondition" | "revision";

/** A number of stacks with these values in common. Groups by state, main condition and revision contain the machine too. */
export interface StackGroup {
  readonly machine?: string;
  readonly state?: string;
  readonly condition?: StackCondition;
  readonly mainCondition?: MainCondition;
  /** With `mainCondition`: these stacks need a person. */
  readonly needsPerson?: true;
  readonly revision?: string;
  readonly count: number;
}

/** The number of stacks that a filter fits. */
export interface StackCounts {
  readonly total: number;
  /** The largest first. A stack may have several conditions, or none, but one main condition. Empty without a grouping. */
  readonly groups: readonly StackGroup[];
  /** Groups that were left out. Missing when none was. */
  readonly moreGroups?: number;
}

/** Which lines of the history are listed. Default: all of the yard, oldest first. */
export interface HistoryFilter {
  readonly stackId?: string;
  readonly eventId?: string;
  readonly newestFirst?: boolean;
}

/** A stack with its version in the store. */
export interface StoredStack {
  readonly version: number;
  readonly stack: Stack;
}

/** Counts for health and metrics. */
export interface StoreStats {
  readonly stacks: number;
  readonly queuedEvents: number;
  readonly queuedTasks: number;
  readonly parkedEvents: number;
  readonly deadLetters: number;
  readonly openAttempts: number;
  /** When the first of the queued events was received. Missing when none is queued. */
  readonly oldestEventAt?: number;
  /** By machine, then state. */
  readonly states: readonly { readonly machine: string; readonly state: string; readonly count: number }[];
}

/** The times for which `prune` keeps rows. */
export interface Retention {
  readonly historyMs: number;
  readonly eventIdMs: number;
  /** Per stack; kept whatever their age. */
  readonly eventIdCount: number;
  readonly deadLetterMs: number;
  readonly settledAttemptMs: number;
}

/**
 * Lists for people. Pages in a stable order; a cursor remains valid while rows are added and removed. A page contains
 * at most 1 MiB of rows plus one row, and the store reads no more than that at a time. A row that cannot be read is
 * reported in the page.
 */
export interface StackQueries {
  /**
   * Lists stacks. In order of ids, cursors are ids: a reader continues after any id. Sorted by an instant, all stacks
   * that match the filter behind the cursor are read; throws `FILTER_TOO_WIDE` when they are too many. A stack whose
   * instant changes between two pages moves in the list, so it may be in two pages or in none.
   */
  listStacks(filter: StackFilter, page: ListStacksInput): Promise<Page<StoredStack>>;
  /**
   * Counts the stacks that match a filter, by the requested grouping: at most 200 groups, the largest first. Rows that
   * cannot be read count as far as their store can evaluate them.
   */
  countStacks(filter: StackFilter, by?: StackGrouping): Promise<StackCounts>;
  /**
   * Lists the history of one stack, of one event or of the yard, in order of positions; `newestFirst` reverses it. It
   * remains after the stack is removed. Cursors are positions in decimal digits: a reader continues after any position.
   */
  listHistory(filter: HistoryFilter, page: PageInput): Promise<Page<StoredHistoryEntry>>;
  /**
   * Returns the attempts of a stack that are not settled, and the last `MAX_SETTLED_LISTED` settled ones; newest first, without their
   * logs.
   */
  listAttempts(stackId: string): Promise<readonly AttemptView[]>;
  /**
   * Lists the attempts of the yard that are not settled, earliest dispatch first. A page may be empty and have a
   * cursor.
   */
  listOpenAttempts(filter: OpenAttemptFilter, page: PageInput): Promise<Page<OpenAttempt>>;
  /**
   * Returns ids of stacks with parked events after that id, in a stable order, also of stacks that do not exist (yet).
   */
  listParkedStackIds(page: { readonly after?: string; readonly limit: number }): Promise<readonly string[]>;
  /** Lists dead letters, newest first. */
  listDeadLetters(
    filter: { readonly stackId?: string; readonly code?: string },
    page: PageInput,
  ): Promise<Page<DeadLetter>>;
  /** Puts dead letters back into the queue under their ids, in one commit. Returns the ids that were found. */
  redrive(ids: readonly string[], now: number): Promise<readonly string[]>;
  /** Removes dead letters. Returns the ids that were found. */
  dismiss(ids: readonly string[], now: number): Promise<readonly string[]>;
  stats(): Promise<StoreStats>;
}
