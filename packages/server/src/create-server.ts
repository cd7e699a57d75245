import { createHmac, randomBytes } from "node:crypto";
import { chmod, link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { dirname, join } from "node:path";
import { getRequestListener, RequestError } from "@hono/node-server";
import { StackyardError } from "@stackyard/core";
import { createBulks, createPlanner } from "@stackyard/core/engine";
import { createServiceRunner, type ServiceRunner } from "@stackyard/core/services";
import type { Hono } from "hono";
import type { RequestFacts } from "./access/caller.ts";
import { createAccess } from "./access/create-access.ts";
import { createAuthenticate } from "./access/operator-token.ts";
import { sessionRoutes } from "./access/session-routes.ts";
import { createApp } from "./create-app.ts";
import { answerUnknownPath, mountConsole } from "./http/console-pages.ts";
import { mountMcp } from "./http/mcp-route.ts";
import { namedSchemas, toOpenApi } from "./http/openapi.ts";
import { problemResponse, toProblemInput } from "./http/problem.ts";
import { createRequestMetrics } from "./http/request-metrics.ts";
import { defineRoute, type Route } from "./http/route.ts";
import { approvalRoutes } from "./routes/approval-routes.ts";
import { artifactRoutes } from "./routes/artifact-routes.ts";
import { auditRoutes, logAuditHead } from "./routes/audit-routes.ts";
import { bulkRoutes } from "./routes/bulk-routes.ts";
import { bundleRoutes } from "./routes/bundle-routes.ts";
import { causeRoutes } from "./routes/cause-routes.ts";
import { eventRoutes, previewRoutes } from "./routes/event-routes.ts";
import { executorRoutes } from "./routes/executor-routes.ts";
import { healthRoutes, processRoutes } from "./routes/health-routes.ts";
import { hookRoutes } from "./routes/hook-routes.ts";
import { logRoute } from "./routes/log-routes.ts";
import { machineRoutes } from "./routes/machine-routes.ts";
import { attemptRoutes, operationRoutes } from "./routes/operation-routes.ts";
import { orphanRoutes } from "./routes/orphan-routes.ts";
import { releaseRoutes } from "./routes/release-routes.ts";
import { revealRoutes } from "./routes/reveal-routes.ts";
import { revisionRoutes } from "./routes/revision-routes.ts";
import type { RouteDeps } from "./routes/route-deps.ts";
import { runRoutes } from "./routes/run-routes.ts";
import { serviceRoutes } from "./routes/service-routes.ts";
import { snapshotRoutes } from "./routes/snapshot-routes.ts";
import { sourceRoutes } from "./routes/source-routes.ts";
import { createStackExplainer } from "./routes/stack-explainer.ts";
import { stackPreviewRoutes } from "./routes/stack-preview-routes.ts";
import { stackRoutes } from "./routes/stack-routes.ts";
import { createLive, type Live } from "./routes/stream-routes.ts";
import { tokenRoutes } from "./routes/token-routes.ts";
import { upgradeRoutes } from "./routes/upgrade-routes.ts";
import { createChangeBell } from "./routes/watch-routes.ts";
import { parseServerOptions, type ServerDeps, type ServerOptions, type ServerSettings } from "./server-options.ts";
import { mountServices } from "./services/mount-services.ts";
import { terraformStateRoutes } from "./terraform/state-routes.ts";
import { createStateStore } from "./terraform/state-store.ts";
import { answerTerraform, type UncheckedRequest } from "./terraform/terraform-backend.ts";

/** The HTTP API of a yard. */
export interface Server {
  /** For tests and other runtimes: answers a request without a socket. */
  readonly app: { readonly fetch: (request: Request) => Response | Promise<Response> };
  /** Listens. Throws `CONFIG_INVALID` when the address is taken. Runners of Terraform are given `stateBackendUrl`. */
  start(): Promise<{ readonly url: string; readonly stateBackendUrl: string }>;
  /** Keeps answering, but reports that it is not ready: balancers send new requests elsewhere. */
  drain(): void;
  /** Ends streams, lets requests finish within `limits.stopMs`, then closes. The store stays open. */
  stop(): Promise<void>;
}

/** Creates a yard's server. It adds events to the store's queue; the engine, which may run elsewhere, applies them. */
export function createServer(deps: ServerDeps, options: ServerOptions = {}): Server {
  const settings = parseServerOptions(options);
  const { limits } = settings;
  const state = { isStopping: false, url: "" };
  const stopping = new AbortController();
  const findConfigured = createAuthenticate(settings.tokens, settings.allowAnonymous);
  const access = createAccess({ ...deps, findConfigured }, settings);
  const { guard, subjects, denials } = access;
  const { check } = access.callers;
  const bell = createChangeBell(deps.store, deps.clock);
  const bulks = createBulks({ ...deps, bell });
  const live = createLive({ ...deps, bell, bulks, guard, subjects, check }, limits);
  const runner = createRunner(deps, settings);
  const app = connectApp({ ...deps, ...access, settings, bell, bulks, live, state, runner });
  let listener: Listener | undefined;
  return {
    app: { fetch: (request) => app.fetch(request) },
    async start() {
      listener = await createListener(app.fetch, settings);
      state.url = listener.url;
      bulks.run();
      runner.run();
      void denials.run(stopping.signal);
      void logAuditHead({ ...deps, records: deps.store.records }, stopping.signal);
      return { url: listener.url, stateBackendUrl: `${listener.url}${STATE_PATH.slice(0, -1)}` };
    },
    drain() {
      state.isStopping = true;
    },
    async stop() {
      state.isStopping = true;
      stopping.abort();
      live.stop();
      await Promise.all([bulks.stop(), runner.stop()]);
      bell.stop();
      access.callers.stop();
      await denials.flush();
      await listener?.close(limits.stopMs);
    },
  };
}

/** Creates what runs the services of plugins. */
function createRunner(deps: ServerDeps, { access }: ServerSettings): ServiceRunner {
  const { services = [], readSecret = refuseSecret } = deps;
  return createServiceRunner({ ...deps, access, readSecret, random: Math.random }, services);
}

async function refuseSecret(): Promise<never> {
  throw new StackyardError(
    "NOT_CONFIGURED",
    "This server cannot read secrets for services. Pass `readSecret` to createServer.",
  );
}

interface ServerParts extends Omit<RouteDeps, "records" | "planner" | "explainer" | "states"> {
  readonly live: Live;
  /** Changes while the server runs. The URL is empty until the server listens. */
  readonly state: { readonly isStopping: boolean; readonly url: string };
}

/** Creates the app of a server: its routes, Terraform's backend, the console and the pages of the login. */
function connectApp(parts: ServerParts): Hono {
  const { store, settings, live, state } = parts;
  const { limits, allowExternalNext } = settings;
  const requests = createRequestMetrics();
  const { records } = store;
  const states = createStateStore({
    ...parts,
    records,
    maxBytes: limits.stateBytes,
    keepVersions: limits.stateVersions,
  });
  const planner = createPlanner({ ...parts, allowExternalNext });
  const explainer = createStackExplainer({ ...parts, planner });
  const health = healthRoutes({
    ...parts,
    requests,
    isStopping: () => state.isStopping,
    countStreams: live.count,
    prove: (challenge) => prove(settings.proofSecret, state.url, challenge),
  });
  const routes = listRoutes({ ...parts, records, states, planner, explainer }, live.routes, health);
  const backend = { ...parts, states, maxBytes: limits.stateBytes };
  return createApp({
    ...parts,
    routes: [...routes, openApiRoute(routes, parts.version)],
    requests,
    mount(hono, findFacts) {
      mountServices(hono, parts.services ?? [], { ...parts, findFacts, requestMs: limits.requestMs });
      if (parts.mcp !== undefined) mountMcp(hono, parts.mcp, { ...parts, limits });
      // OpenAPI has no LOCK and UNLOCK, the methods of Terraform.
      hono.all(`${STATE_PATH}*`, (c) => answerTerraform(backend, toStateRequest(c.req.raw, findFacts(c))));
      // Before the logins, which have a page at `/` for servers without a console.
      if (settings.console !== false) mountConsole(hono, settings.console);
      parts.logins.mount(hono, findFacts);
    },
    answerUnknown: (request) => (settings.console === false ? undefined : answerUnknownPath(request, settings.console)),
    recordDenial: parts.denials.record,
  });
}

/** Returns all routes of the API, in the order of its document. */
function listRoutes(deps: RouteDeps, live: readonly Route[], health: readonly Route[]): readonly Route[] {
  return [
    ...eventRoutes(deps),
    ...stackRoutes(deps),
    ...causeRoutes(deps),
    ...snapshotRoutes(deps),
    ...bundleRoutes(deps),
    ...revealRoutes(deps),
    ...operationRoutes(deps),
    ...approvalRoutes(deps),
    ...runRoutes(deps),
    ...releaseRoutes(deps),
    ...artifactRoutes(deps),
    ...upgradeRoutes(deps),
    ...bulkRoutes(deps),
    ...attemptRoutes(deps),
    ...auditRoutes(deps),
    logRoute(deps),
    ...machineRoutes(deps),
    ...sourceRoutes(deps),
    ...executorRoutes(deps),
    ...revisionRoutes(deps),
    ...previewRoutes(deps),
    ...terraformStateRoutes(deps),
    ...live,
    ...sessionRoutes(deps.logins),
    ...tokenRoutes(deps),
    ...stackPreviewRoutes(deps),
    ...orphanRoutes(deps),
    ...hookRoutes(deps),
    ...processRoutes(deps),
    ...serviceRoutes(deps),
    ...health,
  ];
}

function prove(secret: string | undefined, url: string, challenge: string): string | undefined {
  if (secret === undefined || url === "") return undefined;
  return toServerProof({ secret, challenge, port: Number(new URL(url).port) });
}

const STATE_PATH = "/terraform/state/";

/** Parses the key from the rest of the path, decoded: its slashes may be encoded or not. */
function toStateRequest(request: Request, facts: RequestFacts): UncheckedRequest {
  return { key: decodeURIComponent(new URL(request.url).pathname.slice(STATE_PATH.length)), request, facts };
}

function openApiRoute(routes: readonly Route[], version: string): Route {
  const document = JSON.stringify(toOpenApi({ version, routes, schemas: namedSchemas }));
  return defineRoute("GET", "/openapi.json", {
    operationId: "getOpenApi",
    tag: "health",
    summary: "This API as an OpenAPI 3.1 document.",
    permission: "public",
    subject: "none",
    answers: { 200: { description: "The document." } },
    handle: async () => new Response(document, { headers: { "content-type": "application/json" } }),
  });
}

/** A socket that answers. */
interface Listener {
  readonly url: string;
  /** Accepts nothing new; running requests may finish within the time, then their sockets are closed. */
  close(withinMs: number): Promise<void>;
}

interface ListenOptions {
  readonly host: string;
  readonly port: number;
  readonly limits: { readonly requestMs: number };
}

type Fetch = (request: Request, env?: object) => Response | Promise<Response>;

const MAX_HEADER_BYTES = 32_768;

/** Listens on an address. Slow heads and bodies end with the request's time limit. */
async function createListener(fetch: Fetch, { host, port, limits }: ListenOptions): Promise<Listener> {
  const server = createHttpServer(
    {
      requestTimeout: limits.requestMs,
      headersTimeout: limits.requestMs,
      connectionsCheckingInterval: Math.min(5_000, limits.requestMs),
      maxHeaderSize: MAX_HEADER_BYTES,
    },
    getRequestListener(fetch, { overrideGlobalObjects: false, errorHandler: toUnreadable }),
  );
  const unused = trackUnused(server);
  await listen(server, host, port);
  return { url: toUrl(host, server.address()), close: (withinMs) => close(server, unused, withinMs) };
}

/** Answers a request with an invalid address, which no route can parse. */
function toUnreadable(error: unknown): Response {
  if (!(error instanceof RequestError)) return problemResponse(toProblemInput(error));
  const detail = "The path or the Host header of the request is not part of a valid address.";
  return problemResponse({ status: 400, code: "USAGE", detail });
}

function listen(server: HttpServer, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => {
      reject(
        new StackyardError("CONFIG_INVALID", `The server cannot listen on ${host}:${port}: ${cause.message}.`, {
          cause,
        }),
      );
    });
    server.listen({ host, port }, resolve);
  });
}

function toUrl(host: string, address: AddressInfo | string | null): string {
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Tracks sockets without a request so far, such as those opened in advance: Node does not treat them as idle. */
function trackUnused(server: HttpServer): ReadonlySet<Socket> {
  const unused = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    unused.add(socket);
    socket.once("close", () => unused.delete(socket));
  });
  server.on("request", ({ socket }) => unused.delete(socket));
  return unused;
}

const IDLE_CHECK_MS = 50;

function close(server: HttpServer, unused: ReadonlySet<Socket>, withinMs: number): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), withinMs);
    // A connection that becomes idle after its last response would stay open for its keep-alive time.
    const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
    server.close(() => {
      clearTimeout(force);
      clearInterval(idle);
      resolve();
    });
    for (const socket of unused) socket.destroy();
  });
}

/** The facts that a server proves: that it has a secret, and that it listens at this port. */
interface ServerProofInput {
  /** Shared by the server and the client, such as the token of the data folder. Never sent. */
  readonly secret: string;
  /** Random bytes of the client; new for each request. */
  readonly challenge: string;
  /** Where the server listens: a process at another port cannot pass the question on to it. */
  readonly port: number;
}

/** Returns the proof that the server has the secret: an HMAC-SHA256 (RFC 2104) in base64url. */
function toServerProof({ secret, challenge, port }: ServerProofInput): string {
  return createHmac("sha256", secret).update(`stackyard-server\n${port}\n${challenge}`).digest("base64url");
}

const TOKEN_FILE = "token";
const TOKEN = /^[A-Za-z0-9_-]{32,128}$/;

/**
 * Returns the token in the data folder (file `token`, mode 600); creates one of 256 random bits when the file is
 * missing. Two processes that start together get the same one. Throws `CONFIG_INVALID` when the file contains something
 * else.
 */
export async function ensureToken(dataDir: string): Promise<string> {
  return ensureSecret(join(dataDir, TOKEN_FILE));
}

/**
 * Returns the random secret of a file, which is created on first use and which only its owner can read. Processes that
 * start at the same time all get the same one.
 *
 * @throws StackyardError `CONFIG_INVALID` when the file contains something else.
 */
export async function ensureSecret(file: string): Promise<string> {
  await mkdir(dirname(file), { recursive: true });
  const present = await findToken(file);
  if (present !== undefined) return present;
  // A link is atomic, and never replaces a file that another process has created first.
  const draft = `${file}.${process.pid}.${randomBytes(6).toString("hex")}`;
  await writeFile(draft, `${randomBytes(32).toString("base64url")}\n`, { mode: 0o600, flag: "wx" });
  try {
    await link(draft, file);
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
  } finally {
    await rm(draft, { force: true });
  }
  const made = await findToken(file);
  if (made === undefined) throw new StackyardError("CONFIG_INVALID", `The file "${file}" cannot be read back.`);
  return made;
}

async function findToken(file: string): Promise<string | undefined> {
  try {
    const token = (await readFile(file, "utf8")).trim();
    if (!TOKEN.test(token)) {
      throw new StackyardError("CONFIG_INVALID", `"${file}" contains no secret. Remove the file to create a new one.`);
    }
    await chmod(file, 0o600);
    return token;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
