/** How a release ends. `FailureDirty`: it has left something behind, and its lock. */
export type ReleaseEnd = "Success" | "FailureClean" | "FailureDirty";

/** What a run of the executor `asg` does. */
export type ReleaseOperation = "deploy" | "rollback" | "repair" | "retire" | "lock" | "unlock";

/** Counts of one service, as of the last look at it. */
export interface ServiceReport {
  readonly healthy: number;
  readonly unhealthy: number;
  readonly terminating: number;
  /** All instances of its group, in any state. */
  readonly launching: number;
  /** So many healthy ones are enough. */
  readonly targetHealthy: number;
  /** So many shall run at most until the release is done. */
  readonly targetLaunched: number;
  /** The name of its Auto Scaling group. */
  readonly group?: string;
  readonly isHealthy: boolean;
  /** Why instances did not come or went, in words. */
  readonly causes: readonly string[];
}

/** A fault on the way: the predecessor's class, such as `HaltError`, and the text. */
export interface ReleaseFault {
  readonly class: string;
  readonly message: string;
}

/** What a release has done so far, as its executor writes it down after each state. */
export interface ReleaseReport {
  readonly operation: ReleaseOperation;
  readonly releaseId: string;
  readonly account: string;
  readonly region: string;
  readonly project: string;
  readonly config: string;
  /** The state that it is in, such as `CheckHealthy`. */
  readonly state: string;
  /** Since when, in epoch milliseconds. */
  readonly since: number;
  /** When the time-out began to count, in epoch milliseconds. */
  readonly startedAt?: number;
  readonly timeoutSeconds: number;
  /** The states that were entered, in order; the newest 200. */
  readonly path: readonly { readonly state: string; readonly at: number }[];
  readonly services: Readonly<Record<string, ServiceReport>>;
  /** The newest 50 lines of progress. */
  readonly lines: readonly { readonly at: number; readonly text: string }[];
  /** The first one: it decided the end. */
  readonly error?: ReleaseFault;
  readonly laterErrors: readonly ReleaseFault[];
  readonly end?: ReleaseEnd;
}
