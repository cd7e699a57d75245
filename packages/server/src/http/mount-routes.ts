import { StackyardError } from "@stackyard/core";
import type { Context, Hono } from "hono";
import type { Authenticate } from "../auth/authenticate.ts";
import { HttpError } from "./http-error.ts";
import { readJson } from "./read-body.ts";
import type { RawInput, Route } from "./route.ts";

/** What every route goes through. */
export interface MountDeps {
  readonly authenticate: Authenticate;
  readonly bodyBytes: number;
  readonly requestMs: number;
}

/** Puts the routes under their paths: token, input, time limit, handler. Errors fly to the app's `onError`. */
export function mountRoutes(app: Hono, routes: readonly Route[], deps: MountDeps): void {
  for (const route of routes) app.on(route.method, route.path, (c) => callRoute(c, route, deps));
  for (const [path, methods] of groupMethods(routes)) {
    app.all(path, () => {
      const allow = methods.join(", ");
      throw new HttpError(405, "USAGE", `The path knows ${allow} only.`, { details: { allow } });
    });
  }
}

async function callRoute(c: Context, route: Route, deps: MountDeps): Promise<Response> {
  const request = c.req.raw;
  const actor = deps.authenticate(request);
  if (route.access === "operator" && actor === undefined) throw unauthenticated();
  const limit = AbortSignal.timeout(deps.requestMs);
  const signal = route.longLived ? request.signal : AbortSignal.any([request.signal, limit]);
  const work = async () => {
    const input = await readInput(c, route, deps.bodyBytes);
    return route.call(input, { request, actor: actor ?? "anonymous", signal });
  };
  return route.longLived ? openLongLived(request, work()) : within(limit, work());
}

/** Of an answer to HEAD nobody takes the body, so nobody would end it either. */
async function openLongLived(request: Request, opened: Promise<Response>): Promise<Response> {
  const response = await opened;
  if (request.method === "HEAD") await response.body?.cancel();
  return response;
}

async function readInput(c: Context, route: Route, maxBytes: number): Promise<RawInput> {
  const pairs = [...new URL(c.req.url).searchParams];
  const query = new Map(pairs);
  if (query.size < pairs.length) throw new HttpError(400, "USAGE", "A query parameter is given twice.");
  const body = route.method === "POST" ? await readJson(c.req.raw, maxBytes) : undefined;
  return { params: c.req.param(), query: Object.fromEntries(query), body };
}

function within(limit: AbortSignal, work: Promise<Response>): Promise<Response> {
  return new Promise((resolve, reject) => {
    limit.addEventListener("abort", () => reject(new StackyardError("TIMED_OUT", "The request took too long.")));
    work.then(resolve, reject);
  });
}

function groupMethods(routes: readonly Route[]): ReadonlyMap<string, readonly string[]> {
  const paths = new Set(routes.map(({ path }) => path));
  return new Map([...paths].map((path) => [path, routes.filter((r) => r.path === path).map((r) => r.method)]));
}

/** The one answer to no token and to a wrong one. */
export function unauthenticated(): StackyardError {
  return new StackyardError("UNAUTHENTICATED", 'Send the token: "authorization: Bearer <token>".');
}
