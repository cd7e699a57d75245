/** How far a run is. `waiting`: nobody works on it yet. */
export type RunState = "waiting" | "running" | "succeeded" | "failed" | "cancelled";

/** One task without a machine: started by hand, by a pipeline or by a boot. */
export interface Run {
  readonly runId: string;
  readonly state: RunState;
  readonly executor: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly target?: Readonly<Record<string, unknown>>;
  /** What its last end gave, failed ones too. */
  readonly outputs?: Readonly<Record<string, unknown>>;
  /** The code is the executor's. */
  readonly error?: { readonly code: string; readonly message: string };
  /** The newest line of its progress. */
  readonly message?: string;
  /** A cancel was asked for and has not ended. */
  readonly cancelling?: true;
  readonly startedAt: string;
  /** Of its last end. */
  readonly endedAt?: string;
}

/** What shall run. */
export interface NewRun {
  readonly executor: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** The caller's own: a repeat finds the same run, whatever the rest says. Default: a new one. */
  readonly key?: string;
  /** The account and region to work in. Default: the runner's own. */
  readonly target?: {
    readonly account: string;
    readonly region: string;
    readonly partition?: string;
    /** The role to assume there. */
    readonly role?: string;
    readonly externalId?: string;
  };
  /** Default: the executor's own, else one hour. */
  readonly timeoutMs?: number;
}

/** Which runs are listed. */
export interface RunFilter {
  readonly state?: RunState;
  readonly executor?: string;
}
