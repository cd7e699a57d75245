import { findAwsFault } from "@stackyard/aws";
import { isStackyardError } from "@stackyard/core";

/** Returns true for an error that passes by itself: neither a denial of AWS nor a fault of the configuration. */
export function isOutage(error: unknown): boolean {
  if (isStackyardError(error)) return error.retryable;
  const { kind, name } = findAwsFault(error);
  return kind !== "fatal" || name === undefined;
}
