import type { Me } from "@stackyard/sdk";
import { skipToken, useQuery } from "@tanstack/react-query";
import { keys } from "./keys.ts";

/** Returns the name of the yard, which comes with who is signed in; undefined for a yard without a name. Requests nothing. */
export function useYardName(): string | undefined {
  return useQuery<Me>({ queryKey: keys.me, queryFn: skipToken }).data?.yard;
}
