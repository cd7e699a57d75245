import { useLoad } from "../api/use-load.ts";
import type { StackSource } from "./source.ts";

/** Lines that are looked at: the newest ones. */
const LINES = 200;

/** Loads the newest lines of the history of a stack, newest first, once for all parts of its page that need them. */
export function useNewestHistory(source: StackSource) {
  return useLoad(source.key("history", { newest: LINES }), ({ signal }) =>
    source.loadHistory({ limit: LINES, signal }),
  );
}
