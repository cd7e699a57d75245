/** The time, passed in so that the simulator and tests can replace it. */
export interface Clock {
  /** Returns the time in epoch milliseconds. */
  now(): number;
  /** Resolves after `ms` milliseconds, or at once when the signal is aborted; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Makes ids, passed in so that the simulator can repeat a run. */
export interface Ids {
  /** Returns a unique id, sortable by time where possible (a ULID in production). */
  next(): string;
}

/** Returns a number in [0, 1). */
export type Random = () => number;
