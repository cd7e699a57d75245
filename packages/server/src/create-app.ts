import type { Logger } from "@stackyard/core";
import { Hono } from "hono";
import type { Authenticate } from "./auth/tokens.ts";
import { HttpError } from "./http/http-error.ts";
import { type ProblemInput, problemResponse, toProblemInput } from "./http/problem.ts";
import { addCorsHeaders, answerPreflight, findRefusal, mountRoutes, type Route } from "./http/route.ts";
import type { RequestMetrics } from "./metrics/request-metrics.ts";
import type { ServerDeps, ServerSettings } from "./server-options.ts";

export interface AppDeps extends Pick<ServerDeps, "logger" | "ids" | "clock"> {
  readonly settings: ServerSettings;
  readonly routes: readonly Route[];
  readonly requests: RequestMetrics;
  readonly authenticate: Authenticate;
  /** Paths that are no part of the route table, such as the Terraform state backend. */
  readonly mount: (app: Hono) => void;
}

/** All routes behind the checks that every request goes through. */
export function createApp(deps: AppDeps): Hono {
  const { settings, routes } = deps;
  const app = new Hono();
  const requestIds = new WeakMap<Request, string>();
  app.use("*", async (c, next) => {
    const startedAt = deps.clock.now();
    const requestId = deps.ids.next();
    requestIds.set(c.req.raw, requestId);
    const early = findRefusal(c.req.raw, settings);
    if (early !== undefined) c.res = problemResponse({ ...early, requestId });
    else if (c.req.method === "OPTIONS") c.res = answerPreflight(c.req.raw);
    else await next();
    addCommonHeaders(c.res.headers, requestId);
    addCorsHeaders(c.res.headers, c.req.raw, settings.corsOrigins);
    const route = early === undefined ? (c.req.matchedRoutes.at(-1)?.path ?? "") : "";
    deps.requests.observe(route, toMethodLabel(c.req.method), c.res.status, (deps.clock.now() - startedAt) / 1_000);
  });
  const { bodyBytes, requestMs } = settings.limits;
  mountRoutes(app, routes, { authenticate: deps.authenticate, bodyBytes, requestMs });
  deps.mount(app);
  app.notFound(() => {
    throw new HttpError(404, "NOT_FOUND", "There is no such path. /openapi.json lists those that are.");
  });
  app.onError((error, c) => toErrorResponse(error, requestIds.get(c.req.raw) ?? "", deps.logger));
  return app;
}

const KNOWN_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "DELETE", "OPTIONS", "LOCK", "UNLOCK"]);

/** Methods come from outside and would be labels without end. */
function toMethodLabel(method: string): string {
  return KNOWN_METHODS.has(method) ? method : "other";
}

function addCommonHeaders(headers: Headers, requestId: string): void {
  headers.set("x-request-id", requestId);
  headers.set("x-content-type-options", "nosniff");
  headers.set("cache-control", "no-store");
  // Answers are data. One that a browser shows all the same, such as a drawing, runs nothing and loads nothing.
  headers.set(
    "content-security-policy",
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox",
  );
}

function toErrorResponse(error: Error, requestId: string, logger: Logger): Response {
  const problem: ProblemInput = { ...toProblemInput(error), requestId };
  if (problem.status >= 500) logger.error("A request failed.", { requestId, code: problem.code, error });
  return problemResponse(problem, toHeaders(problem));
}

function toHeaders({ status, details }: ProblemInput): Readonly<Record<string, string>> {
  if (status === 401) return { "www-authenticate": 'Bearer realm="stackyard"' };
  const allow = details?.["allow"];
  if (status === 405 && typeof allow === "string") return { allow };
  return status === 429 || status === 503 ? { "retry-after": "1" } : {};
}
