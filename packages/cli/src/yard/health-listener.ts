import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { KEEP_ALIVE_MS, within } from "@stackyard/core";
import { type StoreAnswer, systemClock } from "@stackyard/core/engine";
import { failWith } from "../failure.ts";

/** Answers health checks of a process that has no API. */
export interface HealthListener {
  readonly url: string;
  close(): Promise<void>;
}

/** The listener's address, and its checks. */
export interface HealthInput {
  readonly host: string;
  readonly port: number;
  /** Returns true once the process accepts no new work. */
  readonly isStopping: () => boolean;
  /** Fails when the store takes no writes. */
  readonly check: () => Promise<StoreAnswer>;
  /** Returns the metrics of the process in the Prometheus format. */
  readonly expose: () => string;
  /** Time in which the store must answer. Default: 5 s. */
  readonly checkMs?: number;
}

const STOPPING = "The worker is stopping.";
const CHECK_MS = 5_000;
/** For a request's head to arrive. */
const REQUEST_MS = 5_000;

/**
 * Serves `/health/live` and `/health/ready` as a server does: 200, or 503 with the reason. `/metrics` returns the
 * process's metrics, without a token. Throws `CONFIG_INVALID` when the address is in use.
 */
export async function startHealthListener({ host, port, ...given }: HealthInput): Promise<HealthListener> {
  const input = { ...given, check: toTimedCheck(given.check, given.checkMs ?? CHECK_MS) };
  const server = createServer(
    { requestTimeout: REQUEST_MS, keepAliveTimeout: KEEP_ALIVE_MS },
    ({ url, method }, response) => {
      const known = method === "GET" || method === "HEAD";
      if (known && url === "/health/live") answer(response, 200, OK);
      else if (known && url === "/health/ready") void answerReady(response, input);
      else if (known && url === "/metrics") answerMetrics(response, input.expose());
      else answer(response, 404, { detail: "Only /health/live, /health/ready and /metrics exist here." });
    },
  );
  await listen(server, host, port);
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const OK = { status: "ok" };

async function answerReady(
  response: ServerResponse,
  { isStopping, check }: Pick<HealthInput, "isStopping" | "check">,
): Promise<void> {
  if (isStopping()) return answer(response, 503, { detail: STOPPING });
  try {
    answer(response, 200, { ...OK, ...(await check()) });
  } catch {
    answer(response, 503, { detail: "The store does not answer." });
  }
}

function answerMetrics(response: ServerResponse, text: string): void {
  response.writeHead(200, { "content-type": "text/plain; version=0.0.4; charset=utf-8", "cache-control": "no-store" });
  response.end(text);
}

/** Limits the time of a check. Concurrent callers share one check, so a slow store gets no extra load. */
function toTimedCheck(check: HealthInput["check"], withinMs: number): HealthInput["check"] {
  let asked: Promise<StoreAnswer> | undefined;
  return async () => {
    asked ??= check().finally(() => {
      asked = undefined;
    });
    return within(asked, {
      clock: systemClock,
      ms: withinMs,
      late() {
        throw new Error("The check timed out.");
      },
    });
  };
}

function answer(response: ServerResponse, status: number, body: Readonly<Record<string, unknown>>): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(body));
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => {
      const message = `Cannot serve the worker's health on ${host}:${port}: ${cause.message}.`;
      reject(
        failWith("CONFIG_INVALID", message, { cause, hint: "Choose another --health-port. 0 selects a free port." }),
      );
    });
    server.listen({ host, port }, resolve);
  });
}
