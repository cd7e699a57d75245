import { createHmac } from "node:crypto";
import { StackyardError } from "@stackyard/core";
import { createBulks, createPlanner, createSensitiveNow, hideSensitive } from "@stackyard/core/engine";
import { createServiceRunner, type ServiceRunner } from "@stackyard/core/services";
import type { Hono } from "hono";
import type { RequestFacts } from "./access/caller.ts";
import { createAccess } from "./access/create-access.ts";
import { createAuthenticate } from "./access/operator-token.ts";
import { sessionRoutes } from "./access/session-routes.ts";
import { createChangeBell } from "./change-bell.ts";
import { createApp } from "./create-app.ts";
import { createByteRoom } from "./http/byte-room.ts";
import { answerUnknownPath, mountConsole } from "./http/console-pages.ts";
import { createCursors } from "./http/cursors.ts";
import { createListener, type Listener } from "./http/listen.ts";
import { mountMcp } from "./http/mcp-route.ts";
import { mountDocs } from "./http/mount-docs.ts";
import { namedSchemas, toOpenApi } from "./http/openapi.ts";
import { createRequestMetrics } from "./http/request-metrics.ts";
import { defineRoute, type Route } from "./http/route.ts";
import { approvalRoutes } from "./routes/approval-routes.ts";
import { artifactRoutes } from "./routes/artifact-routes.ts";
import { auditRoutes } from "./routes/audit-routes.ts";
import { boardRoutes } from "./routes/board-routes.ts";
import { bulkRoutes } from "./routes/bulk-routes.ts";
import { bundleRoutes } from "./routes/bundle-routes.ts";
import { causeRoutes } from "./routes/cause-routes.ts";
import { commitRoutes } from "./routes/commit-routes.ts";
import { customResourceRoutes } from "./routes/custom-resource-routes.ts";
import { deployRoutes } from "./routes/deploy-routes.ts";
import { eventRoutes, previewRoutes } from "./routes/event-routes.ts";
import { executorRoutes } from "./routes/executor-routes.ts";
import { freezeRoutes } from "./routes/freeze-routes.ts";
import { healthRoutes, processRoutes } from "./routes/health-routes.ts";
import { hookRoutes } from "./routes/hook-routes.ts";
import { jobRoutes } from "./routes/job-routes.ts";
import { logRoutes } from "./routes/log-routes.ts";
import { machineRoutes } from "./routes/machine-routes.ts";
import { attemptRoutes, operationRoutes } from "./routes/operation-routes.ts";
import { orphanRoutes } from "./routes/orphan-routes.ts";
import { planRoutes } from "./routes/plan-routes.ts";
import { releaseCalendarRoutes } from "./routes/release-calendar-routes.ts";
import { releaseRoutes } from "./routes/release-routes.ts";
import { releaseVersionRoutes } from "./routes/release-version-routes.ts";
import { revealRoutes } from "./routes/reveal-routes.ts";
import { revisionRoutes } from "./routes/revision-routes.ts";
import type { RouteDeps } from "./routes/route-deps.ts";
import { serviceRoutes } from "./routes/service-routes.ts";
import { snapshotRoutes } from "./routes/snapshot-routes.ts";
import { sourceRoutes } from "./routes/source-routes.ts";
import { createStackExplainer } from "./routes/stack-explainer.ts";
import { stackPreviewRoutes } from "./routes/stack-preview-routes.ts";
import { stackRoutes } from "./routes/stack-routes.ts";
import { createLive, type Live } from "./routes/stream-routes.ts";
import { tokenRoutes } from "./routes/token-routes.ts";
import { upgradeRoutes } from "./routes/upgrade-routes.ts";
import { parseServerOptions, type ServerDeps, type ServerOptions, type ServerSettings } from "./server-options.ts";
import { mountServices } from "./services/mount-services.ts";
import { terraformStateRoutes } from "./terraform/state-routes.ts";
import { createStateStore } from "./terraform/state-store.ts";
import { answerTerraform, type UncheckedRequest } from "./terraform/terraform-backend.ts";
import { unsavedRunRoutes } from "./terraform/unsaved-routes.ts";

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

/** How many of the largest states have room in memory while they are sent, by clients or to them: half of it is for one caller. */
const STATES_AT_ONCE = 4;

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
  // What is shown has no value that is sensitive now; what acts has the stacks as they are.
  const store = hideSensitive(deps.store, deps.locator);
  const { allowExternalNext } = settings;
  const planner = createPlanner({ ...deps, engine: { ...settings.engine, allowExternalNext } });
  const sensitive = createSensitiveNow(deps);
  const live = createLive({ ...deps, store, bell, bulks, guard, subjects, check }, limits);
  const runner = createRunner({ ...deps, store }, settings);
  const cursors = createCursors({ records: deps.store.records, clock: deps.clock });
  const app = connectApp({
    ...deps,
    ...access,
    store,
    settings,
    bell,
    bulks,
    live,
    state,
    runner,
    cursors,
    planner,
    sensitive,
  });
  let listener: Listener | undefined;
  return {
    app: { fetch: (request) => app.fetch(request) },
    async start() {
      listener = await createListener(app.fetch, settings);
      state.url = listener.url;
      bulks.run();
      runner.run();
      void denials.run(stopping.signal);
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
function createRunner(deps: ServerDeps, { access, engine }: ServerSettings): ServiceRunner {
  const { services = [], readSecret = refuseSecret } = deps;
  return createServiceRunner({ ...deps, access, engine, readSecret, random: Math.random }, services);
}

async function refuseSecret(): Promise<never> {
  throw new StackyardError(
    "NOT_CONFIGURED",
    "This server cannot read secrets for services. Pass `readSecret` to createServer.",
  );
}

interface ServerParts extends Omit<RouteDeps, "records" | "explainer" | "states" | "stateRoom"> {
  readonly live: Live;
  /** Changes while the server runs. The URL is empty until the server listens. */
  readonly state: { readonly isStopping: boolean; readonly url: string };
}

/** Creates the app of a server: its routes, Terraform's backend, the console and the pages of the login. */
function connectApp(parts: ServerParts): Hono {
  const { store, settings, live, state } = parts;
  const { limits } = settings;
  const requests = createRequestMetrics();
  const { records } = store;
  const states = createStateStore({
    ...parts,
    records,
    maxBytes: limits.stateBytes,
    keepVersions: limits.stateVersions,
  });
  const explainer = createStackExplainer(parts);
  const health = healthRoutes({
    ...parts,
    requests,
    isStopping: () => state.isStopping,
    countStreams: live.count,
    prove: (challenge) => prove(settings.proofSecret, state.url, challenge),
  });
  const stateRoom = createByteRoom(STATES_AT_ONCE * limits.stateBytes);
  const routes = listRoutes({ ...parts, records, states, stateRoom, explainer }, live.routes, health);
  const backend = { ...parts, states, maxBytes: limits.stateBytes, room: stateRoom };
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
      if (settings.console !== false) mountDocs(hono, settings.docs);
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
    ...commitRoutes(deps),
    ...bundleRoutes(deps),
    ...revealRoutes(deps),
    ...operationRoutes(deps),
    ...approvalRoutes(deps),
    ...jobRoutes(deps),
    ...releaseRoutes(deps),
    ...customResourceRoutes(deps),
    ...artifactRoutes(deps),
    ...upgradeRoutes(deps),
    ...bulkRoutes(deps),
    ...boardRoutes(deps),
    ...deployRoutes(deps),
    ...planRoutes(deps),
    ...releaseCalendarRoutes(deps),
    ...releaseVersionRoutes(deps),
    ...freezeRoutes(deps),
    ...attemptRoutes(deps),
    ...auditRoutes(deps),
    ...logRoutes(deps),
    ...machineRoutes(deps),
    ...sourceRoutes(deps),
    ...executorRoutes(deps),
    ...revisionRoutes(deps),
    ...previewRoutes(deps),
    ...terraformStateRoutes(deps),
    ...unsavedRunRoutes(deps),
    ...live,
    ...sessionRoutes(deps.logins, deps),
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
