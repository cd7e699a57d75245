import { type Clock, defined, type Ids, StackyardError, type Store } from "@stackyard/core";
import { YardInfo, YardProcess } from "@stackyard/core/api";
import { createStoreProbe, type ListedProcess, listProcesses, loadLiveProcesses } from "@stackyard/core/engine";
import { EXPOSITION_TYPE, loadYardMetrics, toExposition, toMetric } from "@stackyard/telemetry";
import { Type } from "typebox";
import { problemResponse, toProblemInput } from "../http/problem.ts";
import type { RequestMetrics } from "../http/request-metrics.ts";
import { defineRoute, json, type Route } from "../http/route.ts";
import { toProcessMetrics } from "../metrics.ts";
import { pageOf, pageQuery, toInstant } from "../schemas/event.ts";
import type { ServerDeps, ServerSettings } from "../server-options.ts";
import type { RouteDeps } from "./route-deps.ts";
import { pageInput, toPage } from "./to-page.ts";

interface HealthRoutesDeps extends Pick<ServerDeps, "processMetrics"> {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly version: string;
  readonly settings: Pick<ServerSettings, "yardName" | "accounts">;
  readonly requests: RequestMetrics;
  /** Returns true once `stop` was called. */
  readonly isStopping: () => boolean;
  readonly countStreams: () => number;
  /** Answers a challenge; undefined: the server has no secret to prove, or does not listen. */
  readonly prove: (challenge: string) => string | undefined;
}

/** Defines the routes for liveness, readiness, identity and metrics. */
export function healthRoutes(deps: HealthRoutesDeps): readonly Route[] {
  return [liveRoute(), readyRoute(deps), proofRoute(deps), yardRoute(deps), metricsRoute(deps)];
}

const Health = Type.Object({ status: Type.Literal("ok") });

function liveRoute(): Route {
  return defineRoute("GET", "/health/live", {
    operationId: "getLiveness",
    permission: "public",
    subject: "none",
    tag: "health",
    summary: "Check that the process is alive.",
    answers: { 200: { description: "The process is alive.", schema: Health } },
    handle: async () => json(200, { status: "ok" }),
  });
}

function readyRoute({ isStopping, ...deps }: HealthRoutesDeps): Route {
  const probe = createStoreProbe(deps);
  return defineRoute("GET", "/health/ready", {
    operationId: "getReadiness",
    permission: "public",
    subject: "none",
    tag: "health",
    summary: "Check that the store accepts writes and the server is not stopping. Checked at most once a second.",
    answers: {
      200: { description: "The server is ready.", schema: Health },
      503: { description: "The server is not ready." },
    },
    async handle() {
      if (isStopping())
        return problemResponse({ status: 503, code: "STORE_CLOSED", detail: "The server is stopping." });
      try {
        await probe.check();
      } catch (error) {
        return problemResponse({ ...toProblemInput(error), status: 503 });
      }
      return json(200, { status: "ok" });
    },
  });
}

const ServerProof = Type.Object({ proof: Type.String({ description: "HMAC-SHA256 in base64url." }) });

function proofRoute({ prove }: HealthRoutesDeps): Route {
  return defineRoute("GET", "/v1/proof", {
    operationId: "getServerProof",
    permission: "public",
    subject: "none",
    tag: "health",
    summary:
      "Prove that the server knows the token of its data folder, before a program on the same machine sends that token.",
    query: { challenge: Type.String({ pattern: "^[A-Za-z0-9_-]{43}$", description: "32 random bytes in base64url." }) },
    answers: {
      200: { description: "The HMAC of the challenge and the port under the token.", schema: ServerProof },
      404: { description: "NOT_FOUND: the server does not use the token of a data folder." },
    },
    async handle({ query: { challenge } }) {
      const proof = prove(challenge);
      if (proof === undefined)
        throw new StackyardError("NOT_FOUND", "The server does not use the token of a data folder.");
      return json(200, { proof });
    },
  });
}

function yardRoute({ store, version, settings: { yardName: name, accounts } }: HealthRoutesDeps): Route {
  return defineRoute("GET", "/v1/yard", {
    operationId: "getYard",
    permission: "read",
    subject: "yard",
    tag: "health",
    summary: "Get the name and statistics of the yard, and the names of AWS accounts.",
    answers: { 200: { description: "Counts.", schema: YardInfo } },
    async handle() {
      const { oldestEventAt: _, ...counts } = await store.queries.stats();
      return json(200, { ...defined({ name }), version, ...counts, ...defined({ accounts }) });
    },
  });
}

function metricsRoute({ store, clock, version, requests, countStreams, processMetrics }: HealthRoutesDeps): Route {
  const loadYard = shareCalls((now: number) => loadYardMetrics(store, now));
  return defineRoute("GET", "/metrics", {
    operationId: "getMetrics",
    permission: "read",
    subject: "yard",
    tag: "health",
    summary: "Get the statistics in the Prometheus format.",
    answers: { 200: { description: "Text format 0.0.4.", mediaType: "text/plain" } },
    async handle() {
      const now = clock.now();
      const [yard, processes] = await Promise.all([loadYard(now), loadLiveProcesses(store.records, now)]);
      const text = toExposition([
        toMetric("stackyard_info", [{ labels: { version }, value: 1 }]),
        ...yard,
        ...toProcessMetrics(processes),
        ...requests.list(),
        toMetric("stackyard_http_streams", countStreams()),
        ...(processMetrics?.() ?? []),
      ]);
      return new Response(text, { headers: { "content-type": EXPOSITION_TYPE } });
    },
  });
}

/** Lets concurrent callers share one call, because it reads all stacks. */
function shareCalls<Input, Result>(call: (input: Input) => Promise<Result>): (input: Input) => Promise<Result> {
  let running: Promise<Result> | undefined;
  return (input) => {
    running ??= call(input).finally(() => {
      running = undefined;
    });
    return running;
  };
}

/** Defines the list of the yard's processes. */
export function processRoutes({ store, clock }: RouteDeps): readonly Route[] {
  return [
    defineRoute("GET", "/v1/processes", {
      operationId: "listProcesses",
      permission: "read",
      subject: "yard",
      tag: "health",
      summary:
        "List servers and workers in the order in which they started. A dead process is listed as gone for 10 minutes.",
      query: pageQuery,
      answers: { 200: { description: "A page.", schema: pageOf(YardProcess) } },
      async handle({ query }) {
        const page = await listProcesses(store.records, { ...pageInput(query), now: clock.now() });
        return json(200, toPage(page, { toView: toYardProcess, toId: ({ id }) => id }));
      },
    }),
  ];
}

/** Converts a process to the API's format. */
export function toYardProcess(process: ListedProcess): YardProcess {
  return { ...process, startedAt: toInstant(process.startedAt), seenAt: toInstant(process.seenAt) };
}
