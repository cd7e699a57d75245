import { loadMe } from "./access.ts";
import { keys } from "./keys.ts";
import { useLoad } from "./use-load.ts";

/** Returns the name of the yard, which comes with who is signed in; undefined for a yard without a name. Requests nothing. */
export function useYardName(): string | undefined {
  // The function is that of those who load it: all parts of a page with one key share one.
  return useLoad(keys.me, loadMe, { enabled: false }).data?.yard;
}
