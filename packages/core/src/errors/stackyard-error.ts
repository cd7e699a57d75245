import { ERROR_CODES, type ErrorCode } from "./codes.ts";

const BRAND = Symbol.for("stackyard.error");

/** The one root of all errors of ours. Ask with `isStackyardError`: it works over two copies of this package. */
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

/** What an error may carry besides code and message. */
export interface StackyardErrorOptions {
  readonly cause?: unknown;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** True for errors of ours, of any copy of this package; with a code, only for that one. */
export function isStackyardError(error: unknown, code?: ErrorCode): error is StackyardError {
  if (typeof error !== "object" || error === null || !(BRAND in error)) return false;
  return code === undefined || ("code" in error && error.code === code);
}
