import { createListeners } from "./listeners.ts";
import { refuseWebPages, WebPageError } from "./web-page.ts";

/** Knows if the server answers requests. */
export interface Reach {
  /** When requests began to fail, epoch milliseconds; undefined while they are answered. */
  readonly failedSince: () => number | undefined;
  /** True while something else answers them with a web page. */
  readonly meetsWebPage: () => boolean;
  readonly subscribe: (listener: () => void) => () => void;
  /** Sends a request, and remembers whether it was answered. */
  readonly fetch: typeof globalThis.fetch;
}

/** Follows the answers of a `fetch`. */
export function createReach(send: typeof globalThis.fetch, now: () => number = Date.now): Reach {
  const { subscribe, notify } = createListeners();
  let failedSince: number | undefined;
  let meetsWebPage = false;
  const note = (answered: boolean, byWebPage = false) => {
    if (answered === (failedSince === undefined) && byWebPage === meetsWebPage) return;
    failedSince = answered ? undefined : (failedSince ?? now());
    meetsWebPage = byWebPage;
    notify();
  };
  const request = refuseWebPages(send);
  return {
    failedSince: () => failedSince,
    meetsWebPage: () => meetsWebPage,
    subscribe,
    async fetch(input, init) {
      try {
        const response = await request(input, init);
        note(!isOfProxy(response));
        return response;
      } catch (error) {
        // A request that the page has ended says nothing about the server.
        if (!(error instanceof Error && error.name === "AbortError")) note(false, error instanceof WebPageError);
        throw error;
      }
    },
  };
}

/** Returns true for the answer of a proxy that does not reach the server, whose own errors are problems. */
function isOfProxy({ status, headers }: Response): boolean {
  return status >= 502 && status <= 504 && !headers.get("content-type")?.startsWith("application/problem+json");
}
