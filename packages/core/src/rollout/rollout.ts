/** `waiting`: still to be sent. `unsent`: never sent, because the rollout stopped before. */
export type RowState = "waiting" | "sent" | "done" | "failed" | "skipped" | "unsent";

/** What a rollout knows about one of its targets, such as an instance or a stack. */
export interface Row {
  readonly id: string;
  /** Its wave, from 0. */
  readonly wave: number;
  /** Counts what was sent to it, from 1. */
  readonly try: number;
  readonly state: RowState;
  /** Why it failed or was not sent. */
  readonly code?: string;
  /** Rows of different groups are never in one batch. */
  readonly group?: string;
}

/** What is sent at once. */
export interface Batch {
  /** Its number in the rollout, from 1; never used again, so that what was sent under it can be found. */
  readonly n: number;
  readonly ids: readonly string[];
  readonly group?: string;
}

/** Why nothing more is sent. */
export interface Stop {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}

/** How many rows are in each state, and how many failed or unsent rows have each code. */
export type Tally = Readonly<Record<RowState, number>> & { readonly codes: Readonly<Record<string, number>> };

/** How much may be sent. */
export interface Limits {
  /** Rows that are sent and have not ended; 0 while a gate is closed. */
  readonly concurrency: number;
  /** Failures that each wave allows; a wave without an entry allows none. */
  readonly maxFailures: readonly number[];
  /** Codes of failed rows that are not failures of the rollout. */
  readonly uncounted: readonly string[];
  /** Pauses after each wave except the last. */
  readonly pausesMs: readonly number[];
  /** Missing: a batch is as large as the free capacity. */
  readonly batch?: BatchLimits;
}

/** For receivers that accept batches up to a size, at a rate. */
export interface BatchLimits {
  /** Rows per batch. */
  readonly size: number;
  /** Batches that are stored together before they are sent. */
  readonly most: number;
  /** A smaller batch uses capacity that stayed free for that long, so that a slow row does not delay the others. */
  readonly partialAfterMs: number;
}

/** The state of a rollout without its rows. All instants are epoch milliseconds. */
export interface RolloutState {
  /** The present wave: rows of later waves are not sent yet. */
  readonly wave: number;
  /** When all rows of the present wave had ended. `advanceWave` sets it. */
  readonly waveEndedAt?: number | undefined;
  /** The number of the next batch. */
  readonly next: number;
  /** Batches that may have been sent: stored before they are. */
  readonly sending: readonly Batch[];
  readonly lastSentAt?: number;
  /** Nothing is sent before. */
  readonly pausedUntil?: number;
  readonly stop?: Stop;
  readonly cancelledAt?: number;
  /** By page, then by wave. */
  readonly tallies: readonly (readonly Tally[])[];
}

/**
 * What to do next. `send`: store the batches as `sending`, then act on each. `drop`: store the stop; rows that wait are
 * never sent to. `wait`: for rows that are on their way, or until an instant. `settle`: all rows have ended.
 */
export type Action =
  | { readonly kind: "send"; readonly batches: readonly Batch[] }
  | { readonly kind: "drop"; readonly stop: Stop }
  | { readonly kind: "wait"; readonly until?: number }
  | { readonly kind: "settle" };

/**
 * Sends one batch. `again`: nothing was sent, its rows wait. A stop: nothing was sent, and nothing more is. Items: these
 * have changed, such as some that cannot be sent to; the others are sent. Throws when it is unknown what was sent: the
 * batch stays in `sending`, and the next step acts on it again or finds what was sent.
 */
export type Act<Item> = (batch: Batch) => Promise<"sent" | "again" | Stop | readonly Item[]>;

/** Looks at the items that are sent; returns those that have changed. `isPartial`: the rest is left for the next look. */
export type Observe<Item> = (sent: readonly Item[]) => Promise<{
  readonly items: readonly Item[];
  readonly isPartial: boolean;
  readonly pausedUntil?: number;
  readonly stop?: Stop;
}>;
