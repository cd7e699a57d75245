/** One state in the Amazon States Language, as far as releases use it. */
export interface StateOfRelease {
  readonly Type: "Task" | "Wait" | "Choice" | "Succeed" | "Fail";
  readonly Next?: string;
  readonly Resource?: string;
  readonly Parameters?: Readonly<Record<string, unknown>>;
  readonly Retry?: readonly RetryOfState[];
  readonly Catch?: readonly CatchOfState[];
  readonly Seconds?: number;
  readonly SecondsPath?: string;
  readonly Choices?: readonly Readonly<Record<string, unknown>>[];
  readonly Default?: string;
  readonly Error?: string;
  readonly Cause?: string;
}

/** An item of `Retry`. */
export interface RetryOfState {
  readonly ErrorEquals: readonly string[];
  readonly IntervalSeconds: number;
  readonly MaxAttempts: number;
  readonly BackoffRate: number;
}

/** An item of `Catch`. */
export interface CatchOfState {
  readonly ErrorEquals: readonly string[];
  readonly ResultPath: string;
  readonly Next: string;
}

/** States by name. */
export type StatesOfRelease = Readonly<Record<string, StateOfRelease>>;
