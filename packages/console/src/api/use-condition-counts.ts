import type { StackCounts } from "@stackyard/sdk";
import { yard } from "./client.ts";
import { keys } from "./keys.ts";
import { useLoad } from "./use-load.ts";
import { NO_JOBS } from "./use-main-conditions.ts";

/** Returns how many stacks have which condition. */
export function useConditionCounts() {
  return useLoad(keys.count("conditions"), ({ signal }) => yard.stacks.counts(NO_JOBS, { by: "condition", signal }), {
    placeholderData: (before) => before,
  });
}

/** Returns how many stacks have a condition. */
export function countOf(counts: StackCounts, condition: string): number {
  return counts.groups.find((group) => group.condition === condition)?.count ?? 0;
}
