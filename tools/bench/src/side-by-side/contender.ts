/** What one commit holds: a single step of a single piece of work, or those of many. */
export type Batching = "one by one" | "grouped";

/** A way to have work done durably over Postgres, with the settings under which it is measured. */
export interface Contender {
  readonly id: string;
  readonly name: string;
  readonly batching: Batching;
  /** What differs from its defaults, in its own words. */
  readonly settings: string;
  /** What one job makes durable between the instant at which it waits and its end. */
  readonly steps: readonly string[];
  /** Jobs in one measured drain: two seconds of work or so. */
  readonly jobs: number;
  /** True when only the process that does the work can ask for it, so that its latency is that within one process. */
  readonly inProcess: boolean;
  /** SQL that answers one row with the boolean `done`: every job has ended durably. */
  readonly doneSql: string;
  /** Opens nothing yet; each process opens what it needs with its first call. */
  connect(url: string): Connection;
}

/** One process's access to a contender. */
export interface Connection {
  /** Makes the tables, and whatever else must be there before jobs are added. */
  prepare(): Promise<void>;
  /** Adds jobs in bulk; they are numbered from `first` on. */
  addMany(first: number, count: number): Promise<void>;
  /** Adds a job with a call of its own. */
  addOne(index: number): Promise<void>;
  /** Works until it is stopped; `onStart` hears a job's number when its handler starts. */
  work(onStart: (index: number) => void): Promise<StopWork>;
  close(): Promise<void>;
}

/** Ends the work and waits until all of it is written. */
export type StopWork = () => Promise<void>;
