import { type Clock, defined, type Ids, StackyardError, type Store } from "@stackyard/core";
import type { YardProcess } from "@stackyard/core/api";
import * as operations from "@stackyard/core/api/operations";
import { createStoreProbe, type ListedProcess, listProcesses, loadLiveProcesses } from "@stackyard/core/engine";
import { JOB_MACHINE } from "@stackyard/core/machine";
import { EXPOSITION_TYPE, loadYardMetrics, toExposition, toMetric } from "@stackyard/telemetry";
import { Type } from "typebox";
import { problemResponse, toProblemInput } from "../http/problem.ts";
import type { RequestMetrics } from "../http/request-metrics.ts";
import { defineRoute, json, type Route } from "../http/route.ts";
import { reply, serve } from "../http/serve.ts";
import { toProcessMetrics } from "../metrics.ts";
import { toInstant } from "../schemas/event.ts";
import type { ServerDeps, ServerSettings } from "../server-options.ts";
import type { RouteDeps } from "./route-deps.ts";
import { pageInput, toPage } from "./to-page.ts";

interface HealthRoutesDeps
  extends Pick<ServerDeps, "processMetrics">,
    Pick<RouteDeps, "locator" | "audit" | "cursors"> {
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
  const { prove, store, version } = deps;
  const { yardName: name, accounts } = deps.settings;
  return [
    serve(deps, operations.getLiveness, async () => reply(200, { status: "ok" })),
    readyRoute(deps),
    serve(deps, operations.getServerProof, async ({ query: { challenge } }) => {
      const proof = prove(challenge);
      if (proof !== undefined) return reply(200, { proof });
      throw new StackyardError("NOT_FOUND", "The server does not use the token of a data folder.");
    }),
    serve(deps, operations.getYard, async () => {
      const { oldestEventAt: _, ...counts } = await store.queries.stats();
      return reply(200, { ...defined({ name }), version, ...counts, ...defined({ accounts }) });
    }),
    metricsRoute(deps),
  ];
}

const Readiness = Type.Object({
  status: Type.Literal("ok"),
  blockedBy: Type.Optional(
    Type.Array(Type.String(), {
      description: "Sessions of other programs that hold rows of the store locked. The stacks of these rows wait.",
    }),
  ),
});

function readyRoute({ isStopping, ...deps }: HealthRoutesDeps): Route {
  const probe = createStoreProbe(deps);
  return defineRoute("GET", "/health/ready", {
    operationId: "getReadiness",
    permission: "public",
    subject: "none",
    tag: "health",
    summary: "Check that the store accepts writes and the server is not stopping. Checked at most once a second.",
    answers: {
      200: { description: "The server is ready.", schema: Readiness },
      503: { description: "The server is not ready." },
    },
    async handle() {
      if (isStopping())
        return problemResponse({ status: 503, code: "STORE_CLOSED", detail: "The server is stopping." });
      try {
        return json(200, { status: "ok", ...(await probe.check()) });
      } catch (error) {
        return problemResponse({ ...toProblemInput(error), status: 503 });
      }
    },
  });
}

function metricsRoute(deps: HealthRoutesDeps): Route {
  const { store, clock, version, locator, requests, countStreams, processMetrics } = deps;
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
      const [yard, processes, machines] = await Promise.all([
        loadYard(now),
        loadLiveProcesses(store.records, now),
        // Metrics also work in a yard whose machines cannot be listed.
        locator.list().catch(() => []),
      ]);
      const text = toExposition([
        toMetric("stackyard_info", [{ labels: { version }, value: 1 }]),
        ...yard,
        ...toProcessMetrics(processes),
        ...requests.list(),
        toMetric("stackyard_http_streams", countStreams()),
        ...(processMetrics?.([JOB_MACHINE, ...machines.map(({ name }) => name)]) ?? []),
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
export function processRoutes(deps: RouteDeps): readonly Route[] {
  const { store, clock } = deps;
  return [
    serve(deps, operations.listProcesses, async ({ query }) => {
      const page = await listProcesses(store.records, { ...pageInput(query), now: clock.now() });
      return reply(200, toPage(page, { toView: toYardProcess, toId: ({ id }) => id }));
    }),
  ];
}

/** Converts a process to the API's format. */
export function toYardProcess(process: ListedProcess): YardProcess {
  return { ...process, startedAt: toInstant(process.startedAt), seenAt: toInstant(process.seenAt) };
}
