import { findAwsFault } from "@stackyard/aws";
import type { ReleaseDeps } from "../release-deps.ts";

/**
 * Does what only tidies up. A role from before it was needed may not do it: that is told, and `repair` finds what stays. A release
 * does not fail for it. Other errors are thrown.
 */
export async function unlessForbidden(
  { logger, report }: Pick<ReleaseDeps, "logger" | "report">,
  what: string,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (findAwsFault(error).code !== "FORBIDDEN") throw error;
    logger.warn("something was left, since the role may not remove it", { what, error });
    report(`left: ${what}. Allow it to the role, and see "stackyard release repair"`);
  }
}
