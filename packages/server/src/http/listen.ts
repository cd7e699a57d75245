import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import type { AddressInfo, Server, Socket } from "node:net";
import { getRequestListener, RequestError } from "@hono/node-server";
import { KEEP_ALIVE_MS, StackyardError } from "@stackyard/core";
import { problemResponse, toProblemInput } from "./problem.ts";

/** A socket that answers. */
export interface Listener {
  readonly url: string;
  /** Accepts nothing new; running requests may finish within the time, then their sockets are closed. */
  close(withinMs: number): Promise<void>;
}

interface ListenOptions {
  readonly host: string;
  readonly port: number;
  readonly limits: { readonly requestMs: number };
}

/** Listens on an address. Slow heads and bodies end with the request's time limit. */
export async function createListener(fetch: Fetch, { host, port, limits }: ListenOptions): Promise<Listener> {
  const server = createHttpServer(
    {
      requestTimeout: limits.requestMs,
      headersTimeout: limits.requestMs,
      connectionsCheckingInterval: Math.min(5_000, limits.requestMs),
      maxHeaderSize: MAX_HEADER_BYTES,
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
    getRequestListener(fetch, { overrideGlobalObjects: false, errorHandler: toUnreadable }),
  );
  const unused = trackUnused(server);
  await listen(server, host, port);
  return { url: toUrl(host, server.address()), close: (withinMs) => close(server, unused, withinMs) };
}

type Fetch = (request: Request, env?: object) => Response | Promise<Response>;

const MAX_HEADER_BYTES = 32_768;

/** Answers a request with an invalid address, which no route can parse. */
function toUnreadable(error: unknown): Response {
  if (!(error instanceof RequestError)) return problemResponse(toProblemInput(error));
  const detail = "The path or the Host header of the request is not part of a valid address.";
  return problemResponse({ status: 400, code: "USAGE", detail });
}

/** Binds a server to an address. Throws `CONFIG_INVALID`, with a hint where the port is the reason. */
export function listen(server: Pick<Server, "once" | "listen">, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const isPort = cause.code === "EADDRINUSE" || cause.code === "EACCES";
      const details = isPort ? { hint: "Choose another port with --port. 0 selects a free one." } : {};
      const message = `The server cannot listen on ${host}:${port}: ${cause.message}.`;
      reject(new StackyardError("CONFIG_INVALID", message, { cause, details }));
    });
    server.listen({ host, port }, () => resolve());
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
