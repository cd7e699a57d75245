import type { HttpBindings } from "@hono/node-server";
import { type Context, Hono } from "hono";
import type { RequestFacts } from "./access/caller.ts";
import { createChannelAudit } from "./access/channel-audit.ts";
import { createAddressFinder } from "./access/client-address.ts";
import type { Access } from "./access/create-access.ts";
import { isDenialCode } from "./access/denials.ts";
import { createWrongCredentials } from "./access/rate-limits.ts";
import { createCallerLanes } from "./http/caller-lanes.ts";
import { addCommonHeaders } from "./http/common-headers.ts";
import { addCorsHeaders, answerPreflight } from "./http/cors.ts";
import { toErrorResponse, toHeaders } from "./http/error-response.ts";
import { HttpError, type ProblemInput, problemResponse } from "./http/problem.ts";
import { findRefusal } from "./http/refuse-request.ts";
import { type RequestMetrics, toMethodLabel } from "./http/request-metrics.ts";
import { mountRoutes, type Route } from "./http/route.ts";
import type { ServerDeps, ServerSettings } from "./server-options.ts";

export interface AppDeps
  extends Pick<ServerDeps, "logger" | "ids" | "clock">,
    Pick<Access, "callers" | "guard" | "audit"> {
  readonly settings: ServerSettings;
  readonly routes: readonly Route[];
  readonly requests: RequestMetrics;
  /** Mounts paths outside the route table, such as the Terraform state backend. */
  readonly mount: (app: Hono, findFacts: (c: Context) => RequestFacts) => void;
  /** Returns the page for a browser at a path that does not exist; undefined for the error of the API. */
  readonly answerUnknown: (request: Request) => Response | undefined;
  /** Records a denied request before it is answered. */
  readonly recordDenial: (request: Request, error: Error, facts: RequestFacts) => Promise<void>;
}

/** Reads of one caller that run at the same time. Further ones wait, so that other callers come between. */
const READS_AT_ONCE = 4;

/** Creates the app: all routes, behind the checks of every request. */
export function createApp(deps: AppDeps): Hono {
  const { settings, routes } = deps;
  const app = new Hono();
  const requestIds = new WeakMap<Request, string>();
  const findAddress = createAddressFinder(settings.trustedProxies);
  const wrong = createWrongCredentials(deps.clock);
  const findFacts = (c: Context): RequestFacts => ({
    requestId: requestIds.get(c.req.raw) ?? "",
    address: findAddress(findIncoming(c.env)?.socket.remoteAddress, c.req.header("x-forwarded-for") ?? null),
  });
  app.use("*", async (c, next) => {
    const startedAt = deps.clock.now();
    const requestId = deps.ids.next();
    requestIds.set(c.req.raw, requestId);
    const early =
      findRefusal(c.req.raw, { ...settings, target: findIncoming(c.env)?.url }) ??
      (wrong.suspects.size > 0 ? wrong.findRefusal(c.req.raw, findFacts(c).address) : undefined);
    if (early !== undefined) c.res = await answerEarly(deps, c.req.raw, early, findFacts(c));
    else if (c.req.method === "OPTIONS") c.res = answerPreflight(c.req.raw);
    else await next();
    const answer = { status: c.res.status, isAccepted: () => deps.callers.isAccepted(c.req.raw) };
    wrong.observe(c.req.raw, findFacts(c).address, answer);
    addCommonHeaders(c.res.headers, requestId);
    addCorsHeaders(c.res.headers, c.req.raw, settings.corsOrigins);
    const route = early === undefined ? (c.req.matchedRoutes.at(-1)?.path ?? "") : "";
    deps.requests.observe(route, toMethodLabel(c.req.method), c.res.status, (deps.clock.now() - startedAt) / 1_000);
  });
  const { bodyBytes, requestMs } = settings.limits;
  const { callers, guard } = deps;
  const lanes = createCallerLanes(READS_AT_ONCE);
  const auditChannel = createChannelAudit(deps.audit, isDenialCode);
  mountRoutes(app, routes, { callers, guard, findFacts, bodyBytes, requestMs, lanes, auditChannel });
  deps.mount(app, findFacts);
  const answerError = async (error: Error, c: Context) => {
    const facts = findFacts(c);
    return toErrorResponse(await denied(deps, c.req.raw, error, facts), facts.requestId, deps.logger);
  };
  // An error that is thrown here would pass by the headers of every answer.
  const notFound = () => new HttpError(404, "NOT_FOUND", "Path not found. /openapi.json lists all paths.");
  app.notFound((c) => deps.answerUnknown(c.req.raw) ?? answerError(notFound(), c));
  app.onError(answerError);
  return app;
}

/** Returns the request as the Node server has read it; undefined for requests without a socket. */
function findIncoming(env: Context["env"]): HttpBindings["incoming"] | undefined {
  return (env as Partial<HttpBindings> | undefined)?.incoming;
}

/** Records a denial. Returns the error to answer with: the denial, or the error of the audit log. */
async function denied({ recordDenial }: AppDeps, request: Request, error: Error, facts: RequestFacts): Promise<Error> {
  try {
    await recordDenial(request, error, facts);
    return error;
  } catch (failure) {
    return failure instanceof Error ? failure : error;
  }
}

/** Answers a request before any route. An unknown `Host` or `Origin` is a denial for every sender. */
async function answerEarly(deps: AppDeps, request: Request, early: ProblemInput, facts: RequestFacts) {
  const { requestId } = facts;
  if (early.code !== "FORBIDDEN") return problemResponse({ ...early, requestId }, toHeaders(early));
  const error = new HttpError(early.status, early.code, early.detail);
  return toErrorResponse(await denied(deps, request, error, facts), requestId, deps.logger);
}
