import type { StackCounts, StackFilter } from "@stackyard/sdk";
import { yard } from "./client.ts";
import { keys } from "./keys.ts";
import { useLoad } from "./use-load.ts";

/** Returns how many stacks have which condition. All that ask about the same stacks share one request. */
export function useConditionCounts(filter: Omit<StackFilter, "condition" | "waiting"> = {}) {
  return useLoad(
    keys.count("conditions", filter),
    ({ signal }) => yard.stacks.counts(filter, { by: "condition", signal }),
    { placeholderData: (before) => before },
  );
}

/** Returns how many stacks have a condition; none while that is unknown. */
export function countOf(counts: StackCounts | undefined, condition: string): number {
  return counts?.groups.find((group) => group.condition === condition)?.count ?? 0;
}
