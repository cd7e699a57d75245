import type { Me } from "@stackyard/sdk";
import { useQuery } from "@tanstack/react-query";
import { keys } from "./keys.ts";

/** Returns the name of the yard, which comes with who is signed in; undefined for a yard without a name. Requests nothing. */
export function useYardName(): string | undefined {
  // The query belongs to those who load it: with a function of its own here, theirs would not be called again.
  return useQuery<Me>({ queryKey: keys.me, enabled: false }).data?.yard;
}
