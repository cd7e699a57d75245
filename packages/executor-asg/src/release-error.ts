import { StackyardError } from "@stackyard/core";
import type { ReleaseState } from "./release-state.ts";

/** What goes wrong in a release: the predecessor's class on its wire, and our code for it. */
export const RELEASE_FAILURES = {
  RELEASE_UNREADABLE: "UnmarshalError",
  BAD_RELEASE: "BadReleaseError",
  LOCK_EXISTS: "LockExistsError",
  LOCK_FAILED: "LockError",
  DEPLOY_FAILED: "DeployError",
  HEALTH_CHECK_FAILED: "HealthError",
  RELEASE_HALTED: "HaltError",
  RELEASE_TIMED_OUT: "HaltError",
  INSTANCES_TERMINATED: "HaltError",
  DETACH_FAILED: "DetachError",
  CLEAN_UP_FAILED: "CleanUpError",
  TASK_UNKNOWN: "TaskError",
  RELEASE_PANIC: "PanicError",
} as const;

/** Our code. */
export type ReleaseFailureCode = keyof typeof RELEASE_FAILURES;
/** The predecessor's class, as states of Step Functions catch it. */
export type ReleaseErrorClass = (typeof RELEASE_FAILURES)[ReleaseFailureCode];

/** A state of a release has failed. Its class decides which state is next. */
export class ReleaseError extends StackyardError {
  readonly releaseCode: ReleaseFailureCode;
  readonly errorClass: ReleaseErrorClass;
  /** What the state had found out nevertheless, such as the health of the other services. */
  readonly partial: ReleaseState | undefined;

  constructor(
    code: ReleaseFailureCode,
    message: string,
    { partial, ...options }: ErrorOptions & { readonly partial?: ReleaseState } = {},
  ) {
    super("OUTCOME_NEGATIVE", message, options);
    this.releaseCode = code;
    this.partial = partial;
    this.errorClass = RELEASE_FAILURES[code];
  }
}
