import type { StackFilter } from "@stackyard/sdk";
import { useQuery } from "@tanstack/react-query";
import { yard } from "./client.ts";
import { keys } from "./keys.ts";

/** Returns how many stacks have which condition. All that ask about the same stacks share one request. */
export function useConditionCounts(filter: Omit<StackFilter, "condition" | "waiting"> = {}) {
  return useQuery({
    queryKey: keys.count("conditions", filter),
    queryFn: ({ signal }) => yard.stacks.counts(filter, { by: "condition", signal }),
    placeholderData: (before) => before,
  });
}
