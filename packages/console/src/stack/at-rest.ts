import type { StackDetails } from "@stackyard/sdk";
import { toStackStatus } from "../api/status.ts";

/** Returns whether a stack has nothing to do and nothing to repair: it runs what it is for, or sleeps, until something happens. */
export function isAtRest(stack: StackDetails): boolean {
  const status = toStackStatus(stack);
  return stack.tasks.length === 0 && (status === "healthy" || status === "asleep");
}
