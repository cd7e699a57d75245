import { toAwsError } from "@stackyard/aws";
import { StackyardError } from "@stackyard/core";
import type { ReleaseState } from "./release-state.ts";

/** Failure codes and the predecessor's error class for each. */
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

/** A failure code. */
export type ReleaseFailureCode = keyof typeof RELEASE_FAILURES;

/** The predecessor's error class, as caught by states of Step Functions. */
export type ReleaseErrorClass = (typeof RELEASE_FAILURES)[ReleaseFailureCode];

/** A state of a release failed. The error class determines the next state. */
export class ReleaseError extends StackyardError {
  readonly releaseCode: ReleaseFailureCode;
  readonly errorClass: ReleaseErrorClass;
  /** Results obtained before the failure, such as the health of the other services. */
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

/**
 * Converts an error of an AWS call to a `ReleaseError`: what was tried (a sentence), the error from AWS, and advice.
 * Returns a `ReleaseError` unchanged. The client has already retried transient errors.
 */
export function toReleaseError(code: ReleaseFailureCode, error: unknown, what: string, advice?: string): ReleaseError {
  if (error instanceof ReleaseError) return error;
  return new ReleaseError(code, toAwsError(error, what, advice).message, { cause: error });
}

/** Returns a handler that throws an error as `toReleaseError` converts it. */
export function failWith(code: ReleaseFailureCode, what: string): (error: unknown) => never {
  return (error) => {
    throw toReleaseError(code, error, what);
  };
}

/** Joins sentences; all but the last get a missing full stop. */
export function joinSentences(sentences: readonly string[]): string {
  const last = sentences.length - 1;
  return sentences.map((each, at) => (at === last || /[.!?]$/.test(each) ? each : `${each}.`)).join(" ");
}
