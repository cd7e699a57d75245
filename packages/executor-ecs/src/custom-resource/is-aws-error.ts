import { findAwsFault } from "@stackyard/aws";
import { isStackyardError } from "@stackyard/core";

/** True for what a call of AWS ended with, answered or not. False for faults of ours, and for what was called off. */
export function isAwsError(error: unknown): boolean {
  if (typeof error !== "object" || error === null || isStackyardError(error)) return false;
  if ("$metadata" in error || "$fault" in error) return !("name" in error && error.name === "AbortError");
  const { code } = findAwsFault(error);
  return code !== "INTERNAL" && code !== "INTERRUPTED";
}
