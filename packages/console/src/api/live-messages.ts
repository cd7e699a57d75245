import type { StreamMessage } from "@stackyard/sdk";

/** The freshness of the page. `stale` carries the instant of the last message. */
export type LiveState =
  | { readonly kind: "connecting" }
  | { readonly kind: "live" }
  /** `meetsWebPage`: something between the worker and the yard answers with a web page. */
  | { readonly kind: "reconnecting"; readonly sinceMs: number; readonly meetsWebPage?: true }
  | { readonly kind: "signed-out" };

/** From the worker to a page. */
export type LiveEvent =
  | { readonly kind: "state"; readonly state: LiveState }
  /** The messages since the last batch; `restart` when messages were missed, and everything is to be fetched again. */
  | { readonly kind: "batch"; readonly messages: readonly StreamMessage[]; readonly restart?: true };

/** From a page to the worker. */
export type LiveRequest =
  | { readonly kind: "visible"; readonly visible: boolean }
  /** Follows this log, or none. */
  | { readonly kind: "log"; readonly attemptId?: string }
  | { readonly kind: "close" }
  | { readonly kind: "retry" }
  /** Another person is signed in: what comes is theirs from now on. */
  | { readonly kind: "another-person" };
