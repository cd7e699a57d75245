/** What one commit holds: a single step of a single piece of work, or those of many. */
export type Batching = "one by one" | "grouped";

/** A way to have work done durably, with the settings under which it is measured. */
export interface Measured {
  readonly id: string;
  readonly name: string;
  /** What differs from its defaults, in its own words. */
  readonly settings: string;
  /** Flags of Node for its processes. Default: none. */
  readonly nodeFlags?: readonly string[];
  /** Jobs in one measured drain: some seconds of work; ours has as many as the fastest peer. */
  readonly jobs: number;
  /** True when only the process that does the work can ask for it, so that its latency is that within one process. */
  readonly inProcess: boolean;
  /** SQL that answers one row with the boolean `done`: every job has ended durably. Not asked where `isDone` is there. */
  readonly doneSql: string;
  /** Opens nothing yet; each process opens what it needs with its first call. `url`: of its database or its server. */
  connect(url: string): Connection;
}

/** A queue over Postgres. */
export interface Contender extends Measured {
  readonly batching: Batching;
  /** The commits that a crash of the server does not undo, of one job between the instant at which it waits and its end. */
  readonly steps: readonly string[];
  /** SQL that adds the rows of work long done, from number `$1` up to `$2`, like one that was really done. */
  readonly fillSql: string;
  /** What a row is that `fillSql` adds, for people. */
  readonly filledWith: string;
}

/** One process's access to a contender. */
export interface Connection {
  /** Makes the tables, and whatever else must be there before jobs are added. */
  prepare(): Promise<void>;
  /** Adds jobs in bulk. */
  addMany(jobs: AddedJobs): Promise<void>;
  /** Adds a job with a call of its own. */
  addOne(index: number): Promise<void>;
  /** Works until it is stopped; `onStart` hears a job's number when its handler starts. */
  work(onStart: (index: number) => void): Promise<StopWork>;
  /** Whether every job has ended durably. Default: what `doneSql` answers. */
  isDone?(): Promise<boolean>;
  close(): Promise<void>;
}

/** Tasks that a stack runs after one event, each in a state of its own. */
export const CHAIN_LENGTH = 10;

/** Jobs, numbered from `first` on. */
export interface AddedJobs {
  readonly first: number;
  readonly count: number;
  /** So many things were filled in before, and the jobs are to be spread over them; 0: jobs for things that are new. */
  readonly spread: number;
}

/** Ends the work and waits until all of it is written. */
export type StopWork = () => Promise<void>;
