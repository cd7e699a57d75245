import { Stackyard, StackyardApiError } from "@stackyard/sdk";
import { QueryClient } from "@tanstack/react-query";
import { setServerDate } from "../text/server-clock.ts";
import { createReach } from "./reach.ts";
import { WebPageError } from "./web-page.ts";

/** The reach of this page's server. */
export const reach = createReach((input, init) => globalThis.fetch(input, init));

/** A worker of a test has no origin; that of a file is not the address of a yard, which such a page never calls. */
const origin = globalThis.location?.origin ?? "";

/** How the clients of this page send. The browser sends the session's cookie; the page has no token. */
export const clientOptions = {
  url: origin.startsWith("http") ? origin : "http://127.0.0.1",
  retries: 1,
  async fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    const response = await reach.fetch(input, init);
    setServerDate(response.headers.get("date"));
    return response;
  },
};

/** The yard that served this page. */
export const yard = new Stackyard(clientOptions);

/** The failure of a request, as a person reads it. */
export interface Failure {
  readonly detail: string;
  readonly code: string;
  readonly requestId?: string;
}

/** Returns what to show of an error that a request threw. */
export function toFailure(error: unknown): Failure {
  if (error instanceof StackyardApiError) return error.problem;
  // What to do differs from that of a person whose session in the yard has ended.
  if (error instanceof WebPageError) return { detail: error.message, code: "NOT_THE_YARD" };
  if (error instanceof Error) return { detail: error.message, code: "code" in error ? String(error.code) : error.name };
  return { detail: String(error), code: "UNKNOWN" };
}

/**
 * Returns true if the server reports that it does not exist, or that this person may not read it: both look the same.
 */
export function isAbsent(error: unknown): boolean {
  return error instanceof StackyardApiError && error.problem.status === 404;
}

/** Returns true if the session has ended. */
export function isSignedOut(error: unknown): boolean {
  return error instanceof StackyardApiError && error.problem.status === 401;
}

// The live stream says when something changed; a mounted query is fetched again then, and by age only without the stream.
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      gcTime: 120_000,
      retry: false,
      refetchOnWindowFocus: true,
      // Requests are sent without a network too: loopback works offline.
      networkMode: "always",
    },
    mutations: { retry: false, networkMode: "always" },
  },
});

/** Returns true for a request without any response. */
export function isUnreachable(error: unknown): boolean {
  return toFailure(error).code === "UNREACHABLE";
}
