import type { ReleaseErrorClass } from "../release-error.ts";
import type { ReleaseStateName, ReleaseTaskName } from "./state-name.ts";

/** Which errors a rule is for: classes, or all that no rule before it is for. */
export type ErrorsOf = readonly ReleaseErrorClass[] | "all";

/**
 * When a task is tried again. The first rule that fits an error counts; each rule has its own attempts while the state
 * lasts.
 */
export interface Retrier {
  readonly errors: ErrorsOf;
  readonly intervalSeconds: number;
  /** After the first try. */
  readonly maxAttempts: number;
  /** Each pause is so many times as long as the one before. */
  readonly backoffRate: number;
}

/** Where an error leads that is not retried any more. */
export interface Catcher {
  readonly errors: ErrorsOf;
  readonly next: ReleaseStateName;
}

/** A state that does something. */
export interface TaskRow {
  readonly kind: "task";
  readonly task: ReleaseTaskName;
  readonly next: ReleaseStateName;
  readonly retries: readonly Retrier[];
  readonly catches: readonly Catcher[];
}

/** A state in which time passes. */
export interface WaitRow {
  readonly kind: "wait";
  /** Seconds, or the field of the release's state that has them. */
  readonly seconds: number | "wait_for_healthy" | "wait_for_detach";
  readonly next: ReleaseStateName;
  /**
   * Where a halt leads that is seen during the wait. Without it the halt comes too late: traffic has moved, or is torn
   * down.
   */
  readonly halted?: ReleaseStateName;
}

/** A state that only looks whether the release is healthy. */
export interface ChoiceRow {
  readonly kind: "choice";
  readonly healthy: ReleaseStateName;
  readonly unhealthy: ReleaseStateName;
  /** Where nobody knows. */
  readonly otherwise: ReleaseStateName;
}

/** The end of a release. */
export interface EndRow {
  readonly kind: "end";
  readonly end: ReleaseEnd;
}

/** `FailureClean`: nothing is left behind, the lock is free. `FailureDirty`: somebody has to look. */
export type ReleaseEnd = Extract<ReleaseStateName, "Success" | "FailureClean" | "FailureDirty">;

/** One line of the table. */
export type ReleaseRow = TaskRow | WaitRow | ChoiceRow | EndRow;

/** All states of a release, in their order. A release begins in `Validate`. */
export type ReleaseMachine = Readonly<Partial<Record<ReleaseStateName, ReleaseRow>>>;
