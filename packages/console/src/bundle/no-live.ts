import type { Live } from "../api/live.ts";

/** Connects to nothing: replaces `api/live.ts` in a page that is one file, which no stream reaches. */
export function connectLive(): Live {
  return { send: () => {}, subscribe: () => () => {} };
}
