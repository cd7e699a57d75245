/** The time, passed in so that the simulator and tests can replace it. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Resolves after so many milliseconds, or at once when the signal is aborted; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Makes ids, passed in so that the simulator can repeat a run. */
export interface Ids {
  /** Unique, sortable by time where it can be (a ULID in production). */
  next(): string;
}

/** A number in [0, 1), passed in. */
export type Random = () => number;
