import type { PlannedStack } from "@stackyard/sdk";

/** Returns how many resources these stacks of a plan would lose. */
export function countDestroyed(stacks: readonly Pick<PlannedStack, "changes">[]): number {
  return stacks.reduce((sum, { changes }) => sum + (changes?.destroys ?? 0), 0);
}
