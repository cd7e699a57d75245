const BRAND = Symbol.for("stackyard.error");

/**
 * The base class of all Stackyard errors. Test with `isStackyardError`, which works across two copies of this package.
 */
export class StackyardError extends Error {
  readonly code: ErrorCode;
  /** True when the same call may succeed later without a change. */
  readonly retryable: boolean;
  /** Structured facts for programs, such as the list of problems. Never secrets. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: StackyardErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "StackyardError";
    this.code = code;
    this.retryable = ERROR_CODES[code].retryable;
    this.details = options.details ?? {};
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/** The fields of an error in addition to code and message. */
export interface StackyardErrorOptions {
  readonly cause?: unknown;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Returns true for Stackyard errors of any copy of this package; with a code, only for errors with that code. */
export function isStackyardError(error: unknown, code?: ErrorCode): error is StackyardError {
  if (typeof error !== "object" || error === null || !(BRAND in error)) return false;
  return code === undefined || ("code" in error && error.code === code);
}

/** The exit code and HTTP status of a code. */
interface CodeFacts {
  /**
   * 0 done, 1 the result is negative, 2 left something behind, 3 could not start, 4 timed out, 64 usage, 130
   * interrupted.
   */
  readonly exitCode: number;
  readonly httpStatus: number;
  readonly retryable: boolean;
}

function fact(exitCode: number, httpStatus: number, retryable = false): CodeFacts {
  return { exitCode, httpStatus, retryable };
}

/** Codes of errors that are thrown. Never renamed or used for something else. `ERROR_MEANINGS` explains them. */
export const ERROR_CODES = {
  USAGE: fact(64, 400),
  CONFIG_INVALID: fact(3, 422),
  MACHINE_INVALID: fact(1, 422),
  MACHINE_UNKNOWN: fact(1, 404),
  STACK_UNKNOWN: fact(1, 404),
  EVENT_INVALID: fact(1, 400),
  DUPLICATE: fact(1, 409),
  RECORD_CONFLICT: fact(1, 409, true),
  NOT_FOUND: fact(1, 404),
  NOT_CONFIGURED: fact(3, 404),
  PAYLOAD_TOO_LARGE: fact(1, 413),
  RATE_LIMITED: fact(3, 429, true),
  QUEUE_FULL: fact(3, 429, true),
  UNAUTHENTICATED: fact(3, 401),
  FORBIDDEN: fact(3, 403),
  LOGIN_FAILED: fact(3, 401),
  CLOCK_SKEW: fact(3, 401),
  NO_GRANT: fact(3, 403),
  GROUPS_MISSING: fact(3, 403),
  UNREACHABLE: fact(3, 503, true),
  SERVER_ERROR: fact(3, 500, true),
  STORE_LOCKED: fact(3, 503),
  STORE_MISSING: fact(3, 500),
  STORE_CORRUPT: fact(3, 500),
  STORE_TOO_NEW: fact(3, 500),
  STORE_UNAVAILABLE: fact(3, 503, true),
  STACK_LOCKED: fact(3, 503, true),
  STORE_CLOSED: fact(3, 503),
  SEAL_KEY_MISSING: fact(3, 500),
  LEASE_LOST: fact(1, 409, true),
  EXECUTOR_UNKNOWN: fact(3, 422),
  PLUGIN_INVALID: fact(3, 500),
  TRUST_UNSETTLED: fact(3, 503, true),
  TIMED_OUT: fact(4, 504),
  INTERRUPTED: fact(130, 499),
  FILTER_TOO_WIDE: fact(1, 422),
  PLAN_STALE: fact(1, 409),
  OUTCOME_NEGATIVE: fact(1, 409),
  LEFT_BEHIND: fact(2, 500),
  INTERNAL: fact(3, 500),
} as const satisfies Record<string, CodeFacts>;

/** A code of an error that is thrown. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** Returns the exit code of a command that ends with this code; 1 for codes of refusals. */
export function exitCodeOf(code: string): number {
  return findFacts(code)?.exitCode ?? 1;
}

/** Returns the HTTP status of a response with this code; 409 for codes of refusals. */
export function httpStatusOf(code: string): number {
  return findFacts(code)?.httpStatus ?? 409;
}

function findFacts(code: string): CodeFacts | undefined {
  return Object.hasOwn(ERROR_CODES, code) ? ERROR_CODES[code as ErrorCode] : undefined;
}

/** Formats an error in one line, with its code if it has one. */
export function toErrorText(error: unknown): string {
  if (isStackyardError(error)) return `${error.code}: ${error.message}`;
  return describeThrown(error);
}

/** Returns true for a transient error, such as a store that does not respond. */
export function isPassing(error: unknown): boolean {
  return isStackyardError(error) && error.retryable;
}

/** Returns true when one stored item cannot be read: others can. */
export function isUnreadable(error: unknown): error is StackyardError {
  return isStackyardError(error, "STORE_CORRUPT") || isStackyardError(error, "SEAL_KEY_MISSING");
}

/** Returns the message of an error, or the text of any other value that was thrown. Never throws. */
export function describeThrown(thrown: unknown): string {
  return describeValue(thrown instanceof Error ? thrown.message : thrown);
}

/** Returns any value as text, also `Object.create(null)` and objects whose `toString` throws. Never throws. */
export function describeValue(value: unknown): string {
  try {
    return String(value);
  } catch {
    return `a value without a text (${typeof value})`;
  }
}
