import { hash, timingSafeEqual } from "node:crypto";
import type { HttpBindings } from "@hono/node-server";
import type { Logger } from "@stackyard/core";
import { createHistogram, type Histogram, type Metric, toMetric } from "@stackyard/telemetry";
import { type Context, Hono } from "hono";
import type { RequestFacts } from "./access/caller.ts";
import { createChannelAudit } from "./access/channel-audit.ts";
import { createAddressFinder } from "./access/client-address.ts";
import type { Access } from "./access/create-access.ts";
import { isDenialCode } from "./access/denials.ts";
import { createWrongCredentials } from "./access/rate-limits.ts";
import { createCallerLanes } from "./http/caller-lanes.ts";
import { HttpError, type ProblemInput, problemResponse, toProblemInput } from "./http/problem.ts";
import { mountRoutes, type Route } from "./http/route.ts";
import type { OperatorToken, ServerDeps, ServerSettings } from "./server-options.ts";

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
    address: findAddress(toSocketAddress(c.env), c.req.header("x-forwarded-for") ?? null),
  });
  app.use("*", async (c, next) => {
    const startedAt = deps.clock.now();
    const requestId = deps.ids.next();
    requestIds.set(c.req.raw, requestId);
    const early =
      findRefusal(c.req.raw, settings) ??
      (wrong.suspects.size > 0 ? wrong.findRefusal(c.req.raw, findFacts(c).address) : undefined);
    if (early !== undefined) c.res = await answerEarly(deps, c.req.raw, early, findFacts(c));
    else if (c.req.method === "OPTIONS") c.res = answerPreflight(c.req.raw);
    else await next();
    const answer = { status: c.res.status, accepted: deps.callers.isAccepted(c.req.raw) };
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

/** Returns the address of the Node server's socket; undefined for requests without a socket. */
function toSocketAddress(env: Context["env"]): string | undefined {
  return (env as Partial<HttpBindings> | undefined)?.incoming?.socket.remoteAddress;
}

/** Counts requests by route, so that no id in a path becomes a label. */
export interface RequestMetrics {
  observe(route: string, method: string, status: number, seconds: number): void;
  list(): readonly Metric[];
}

const BUCKETS = [0.005, 0.025, 0.1, 0.5, 2.5, 10];

/** Counters of one server. */
export function createRequestMetrics(): RequestMetrics {
  const series = new Map<string, { readonly labels: Readonly<Record<string, string>>; readonly times: Histogram }>();
  return {
    observe(route, method, status, seconds) {
      const labels = { route, method, status: String(status) };
      const key = `${method} ${status} ${route}`;
      const found = series.get(key) ?? { labels, times: createHistogram(BUCKETS) };
      series.set(key, found);
      found.times.observe(seconds);
    },
    list() {
      const samples = [...series.values()].flatMap(({ labels, times }) => times.toSamples(labels));
      return [toMetric("stackyard_http_request_duration_seconds", samples)];
    },
  };
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

const KNOWN_METHODS: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "DELETE",
  "OPTIONS",
  "LOCK",
  "UNLOCK",
]);

/** Limits the labels of metrics: callers may send any method. */
function toMethodLabel(method: string): string {
  return KNOWN_METHODS.has(method) ? method : "other";
}

/** Adds the headers of every answer. */
export function addCommonHeaders(headers: Headers, requestId: string): void {
  headers.set("x-request-id", requestId);
  headers.set("x-content-type-options", "nosniff");
  if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
  // Pages have their own policy.
  if (headers.has("content-security-policy")) return;
  // Responses are data. If a browser renders one, such as an SVG, it must not run or load anything.
  headers.set(
    "content-security-policy",
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox",
  );
}

/** Converts an error into a response, and logs internal errors. */
export function toErrorResponse(error: Error, requestId: string, logger: Logger): Response {
  const problem: ProblemInput = { ...toProblemInput(error), requestId };
  if (problem.status >= 500) logger.error("A request failed.", { requestId, code: problem.code, error });
  return problemResponse(problem, toHeaders(problem));
}

function toHeaders({ status, details }: ProblemInput): Readonly<Record<string, string>> {
  if (status === 401) return { "www-authenticate": 'Bearer realm="stackyard"' };
  const allow = details?.["allow"];
  if (status === 405 && typeof allow === "string") return { allow };
  // RFC 9110, 15.5.17: the total length of the resource.
  if (status === 416) return { "content-range": `bytes */${Number(details?.["size"] ?? 0)}` };
  const waitMs = details?.["retryAfterMs"];
  const seconds = typeof waitMs === "number" ? Math.max(1, Math.ceil(waitMs / 1_000)) : 1;
  return status === 429 || status === 503 ? { "retry-after": `${seconds}` } : {};
}

/**
 * Returns why a request is rejected before any other check. A page of another site can make a browser call a server on
 * the loopback, also under a name that resolves to it (DNS rebinding). Such requests have an unknown `Host` or
 * `Origin`.
 */
export function findRefusal(
  request: Request,
  settings: Pick<ServerSettings, "allowedHosts" | "corsOrigins"> & { readonly url?: string | undefined },
): ProblemInput | undefined {
  const url = new URL(request.url);
  if (!isWellEncoded(url.pathname)) {
    return { status: 400, code: "USAGE", detail: "The path is not percent-encoded UTF-8." };
  }
  const hosts = [url.hostname, hostnameOf(request.headers.get("host"))];
  if (hosts.some((host) => host !== undefined && settings.allowedHosts?.has(host) === false)) {
    return {
      status: 421,
      code: "FORBIDDEN",
      detail: "The Host header is not allowed. Add the name to allowedHosts.",
    };
  }
  const origin = request.headers.get("origin");
  if (origin !== null && !isKnownOrigin(origin, request, url, settings)) {
    return { status: 403, code: "FORBIDDEN", detail: "Pages of this origin may not call the API." };
  }
  return undefined;
}

function isKnownOrigin(
  origin: string,
  request: Request,
  url: URL,
  { corsOrigins, url: ownUrl }: Pick<ServerSettings, "corsOrigins"> & { readonly url?: string | undefined },
): boolean {
  if (origin === originOf(request, url) || corsOrigins.has(origin)) return true;
  if (ownUrl !== undefined && origin === new URL(ownUrl).origin) return true;
  // Forms of pages without a referrer name no origin (Fetch, "serializing a request origin"); this header identifies their page.
  return origin === "null" && request.headers.get("sec-fetch-site") === "same-origin";
}

function isWellEncoded(path: string): boolean {
  try {
    return decodeURIComponent(path).isWellFormed();
  } catch {
    return false;
  }
}

/** Returns the lower-case name in a `Host` header, without port; a name that is never allowed for an invalid one. */
function hostnameOf(header: string | null): string | undefined {
  if (header === null) return undefined;
  return URL.parse(`http://${header}`)?.hostname ?? "";
}

function originOf(request: Request, url: URL): string {
  return `${url.protocol}//${request.headers.get("host") ?? url.host}`;
}

const ALLOWED_HEADERS = "authorization, content-type, last-event-id";
const PREFLIGHT_SECONDS = "600";

/** Returns the response to a CORS preflight. The headers of `addCorsHeaders` decide whether the request is allowed. */
function answerPreflight(request: Request): Response {
  const asks = request.headers.has("access-control-request-method");
  const headers = {
    "access-control-allow-methods": "GET, POST, PUT, DELETE",
    "access-control-allow-headers": ALLOWED_HEADERS,
    "access-control-max-age": PREFLIGHT_SECONDS,
  };
  return new Response(null, { status: 204, headers: asks ? headers : {} });
}

/** Allows a page of an allowed origin to read the response. Without these headers, browsers deny it. */
function addCorsHeaders(headers: Headers, request: Request, origins: ReadonlySet<string>): void {
  if (origins.size === 0) return;
  headers.append("vary", "origin");
  const origin = request.headers.get("origin");
  if (origin === null || !origins.has(origin)) return;
  headers.set("access-control-allow-origin", origin);
  headers.set("access-control-expose-headers", "x-request-id, content-range");
}

/** Returns a function that finds the name of a token. Compares all tokens, each in constant time. */
function createTokenFinder(tokens: readonly OperatorToken[]): (token: string) => string | undefined {
  const known = tokens.map(({ name, token }) => ({ name, digest: hash("sha256", token, "buffer") }));
  return (token) => {
    const digest = hash("sha256", token, "buffer");
    const found = known.filter((each) => timingSafeEqual(each.digest, digest));
    return found[0]?.name;
  };
}

/** User and password of an `Authorization: Basic` header. */
export interface BasicCredentials {
  readonly user: string;
  readonly password: string;
}

/** Returns a function that finds the name of a request's token. With `allowAnonymous`, a request without one is "anonymous". */
export function createAuthenticate(
  tokens: readonly OperatorToken[],
  allowAnonymous: boolean,
): (request: Request) => string | undefined {
  const findName = createTokenFinder(tokens);
  return (request) => {
    const header = request.headers.get("authorization");
    if (header === null) return allowAnonymous ? "anonymous" : undefined;
    const bearer = /^bearer +([^\s]{1,512})$/i.exec(header)?.[1];
    if (bearer !== undefined) return findName(bearer);
    // Terraform's http backend supports only user and password.
    const basic = parseBasic(header);
    return basic?.user === "token" ? findName(basic.password) : undefined;
  };
}

/** Reads a Basic header. The password has no colon, a user's name may have one. */
export function parseBasic(header: string | null): BasicCredentials | undefined {
  const encoded = /^basic +([A-Za-z0-9+/=]{1,16384})$/i.exec(header ?? "")?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.lastIndexOf(":");
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}
