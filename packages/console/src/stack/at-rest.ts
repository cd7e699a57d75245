import type { StackDetails } from "@stackyard/sdk";
import { findVersion, type Version } from "../api/stack-facts.ts";
import { toStackStatus } from "../api/status.ts";

/** Returns whether a stack has nothing to do and nothing to repair: it runs what it is for, or sleeps, until something happens. */
export function isAtRest(stack: StackDetails): boolean {
  const status = toStackStatus(stack);
  return stack.tasks.length === 0 && (status === "healthy" || status === "asleep");
}

/**
 * Returns the version that a stack at rest runs, and since when: that of its metadata, if the work of the event that has set it
 * is done. Undefined where it is asleep, where that work was not done, and where that is not known: metadata alone runs nothing.
 */
export function findRunning(stack: StackDetails): { readonly version: Version; readonly since: string } | undefined {
  const { metadata, deeds = [] } = stack;
  const version = isAtRest(stack) && toStackStatus(stack) !== "asleep" ? findVersion(metadata) : undefined;
  const deed = version && deeds.find(({ keys }) => keys.includes(version.key));
  if (version === undefined || deed?.verdict !== "done") return undefined;
  return { version, since: deed.restedAt ?? deed.at };
}
