import { toAnswer } from "@stackyard/aws";

/** Returns true for an error that passes by itself: neither a denial of AWS nor a fault of the configuration. */
export function isOutage(error: unknown): boolean {
  return ["passing", "unknown"].includes(toAnswer(error));
}
