import { describeThrown } from "../errors/describe-value.ts";
import { isStackyardError } from "../errors/stackyard-error.ts";

/** An error in one line, with its code where it has one. */
export function toErrorText(error: unknown): string {
  if (isStackyardError(error)) return `${error.code}: ${error.message}`;
  return describeThrown(error);
}

/** True for an error that passes by itself, such as a store that does not answer. */
export function isPassing(error: unknown): boolean {
  return isStackyardError(error) && error.retryable;
}
