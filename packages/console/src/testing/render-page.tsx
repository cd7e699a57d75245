import type { Me, ProblemDetails } from "@stackyard/sdk";
import { QueryClientProvider } from "@tanstack/react-query";
import {
  createMemoryHistory,
  createRootRoute,
  createRoute,
  createRouter,
  RouterProvider,
  useRouterState,
} from "@tanstack/react-router";
import type { ComponentType } from "react";
import { render } from "vitest-browser-react";
import { queryClient, reach } from "../api/client.ts";
import { LiveProvider } from "../api/use-live.tsx";
import { HistoryEntry } from "../design/kept-places.ts";
import { SEARCH_FORMAT } from "../design/links.tsx";
import { ToastProvider } from "../design/toasts.tsx";
import { createFakeLive } from "./fake-live.ts";
import "../app/shell.css";
import "../design/base.css";

/** A request that the page sent. */
export interface SentRequest {
  readonly method: string;
  /** Decoded, without the query. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/**
 * The API's response: JSON, a whole response, or a function of the request. A promise that never resolves: still
 * loading.
 */
export type Answer = unknown | Response | ((request: SentRequest, headers: Headers) => unknown);

/** A person who may do everything. */
export const admin: Me = {
  kind: "local",
  id: "local",
  name: "ada",
  groups: ["release-managers"],
  via: "cookie",
  rights: [
    {
      role: "admin",
      permissions: [
        "read",
        "approve",
        "send",
        "operate",
        "repair",
        "audit",
        "access",
        "states:read",
        "states:write",
        "secrets:read",
      ],
    },
  ],
};

/** A person who may read, and approve where a machine names the group. */
export const viewer: Me = {
  ...admin,
  name: "ben",
  id: "ben",
  rights: [{ role: "viewer", permissions: ["read", "approve"] }],
};

/** Returns the answer of a server that refuses. */
export function problem(status: number, code: string, detail: string): Response {
  const body: Omit<ProblemDetails, "status"> & { readonly status: number } = {
    status,
    title: code,
    detail,
    code,
    retryable: status >= 500,
    requestId: "req-1",
  };
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/problem+json" } });
}

/**
 * Shows a page at an address, such as `/stacks?machine=review-app`, over an API that is faked where its requests leave the
 * page: keys are `GET /v1/stacks`. What no key answers is 404. Returns the screen, what was sent, and the live stream, which
 * is silent until a test emits something.
 */
export async function renderPage(page: ComponentType, address: string, api: Readonly<Record<string, Answer>>) {
  const sent: SentRequest[] = [];
  const answers: Readonly<Record<string, Answer>> = { "GET /v1/me": admin, ...api };
  await answerOnce();
  globalThis.fetch = async (input, init) => {
    const request = await toSent(input, init);
    sent.push(request);
    const given = answers[`${request.method} ${request.path}`];
    return answer(typeof given === "function" ? given(request, new Request(input, init).headers) : given, request);
  };
  queryClient.clear();
  const root = createRootRoute();
  const paths = ["/", "$"];
  const routes = paths.map((path) =>
    createRoute({ getParentRoute: () => root, path, component: () => <InEntry page={page} /> }),
  );
  const history = createMemoryHistory({ initialEntries: [address] });
  const router = createRouter({
    routeTree: root.addChildren(routes),
    history,
    ...SEARCH_FORMAT,
  });
  const live = createFakeLive();
  const connect = () => live;
  const screen = await render(
    <QueryClientProvider client={queryClient}>
      <LiveProvider connect={connect}>
        <ToastProvider>
          <RouterProvider router={router} />
        </ToastProvider>
      </LiveProvider>
    </QueryClientProvider>,
  );
  return { screen, sent, live, address: () => history.location.href, go: (steps: number) => history.go(steps) };
}

/** A page is opened from a server that answers, whatever the requests of the one before have met. */
async function answerOnce(): Promise<void> {
  globalThis.fetch = async () => new Response();
  await reach.fetch("/");
}

/** A page within its entry of the history, as the shell renders it. */
function InEntry({ page: Page }: { page: ComponentType }) {
  const entry = useRouterState({ select: ({ location: { state } }) => state.__TSR_key ?? "" });
  return (
    <HistoryEntry value={entry}>
      <Page />
    </HistoryEntry>
  );
}

async function toSent(input: RequestInfo | URL, init: RequestInit | undefined): Promise<SentRequest> {
  const request = new Request(input, init);
  const url = new URL(request.url);
  const text = await request.text();
  return {
    method: request.method,
    path: url.pathname.split("/").map(decodeURIComponent).join("/"),
    query: Object.fromEntries(url.searchParams),
    body: text === "" ? undefined : JSON.parse(text),
  };
}

async function answer(given: Answer, request: SentRequest): Promise<Response> {
  if (given === undefined) return problem(404, "NOT_FOUND", `No answer for ${request.method} ${request.path}.`);
  const value = await given;
  if (value instanceof Response) return value.clone();
  return new Response(JSON.stringify(value), { headers: { "content-type": "application/json" } });
}
