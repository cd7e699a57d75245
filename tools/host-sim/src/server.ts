import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/** Starts a server on a free port of this machine, and returns the port. */
export async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/** Ends a server and its connections. */
export function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

/** Answers a request. A rejection is a connection that breaks. */
export type Answerer = (request: Request) => Promise<Response>;

/** Answers requests over HTTP on a free port of this machine. */
export async function serve(answer: Answerer): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    handle(answer, request, response).catch(() => response.destroy());
  });
  const url = `http://127.0.0.1:${await listen(server)}`;
  return { url, stop: () => stop(server) };
}

async function handle(answer: Answerer, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const { method = "GET", url = "/", headers } = incoming;
  const sent = await buffer(incoming);
  const body = method === "GET" || method === "HEAD" ? null : new Uint8Array(sent);
  const pairs = Object.entries(headers).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, String(value)]],
  );
  const response = await answer(new Request(`http://${headers.host}${url}`, { method, headers: pairs, body }));
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.end(Buffer.from(await response.arrayBuffer()));
}

/** Returns a `fetch` that reaches a host in this process. It knows no other origin. */
export function createMemoryFetch(origin: string, answer: Answerer): typeof fetch {
  async function ask(request: Request): Promise<Response> {
    const { signal, url, headers, redirect } = request;
    signal.throwIfAborted();
    if (new URL(url).origin !== origin) throw failed(`getaddrinfo ENOTFOUND ${url}`);
    const again = request.clone();
    const response = await answer(request).catch((cause: unknown) => {
      throw failed("socket hang up", cause);
    });
    signal.throwIfAborted();
    const location = response.headers.get("location");
    if (!REDIRECTS.has(response.status) || location === null || redirect === "manual") return response;
    if (redirect === "error") throw failed("unexpected redirect");
    const target = new URL(location, url);
    return ask(KEEPING.has(response.status) ? new Request(target, again) : new Request(target, { headers, signal }));
  }
  return (input, init) => ask(new Request(input, init));
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** Those that keep the method and the body. */
const KEEPING: ReadonlySet<number> = new Set([307, 308]);

/** Returns the error of a `fetch` that gets no answer. */
function failed(message: string, cause: unknown = new Error(message)): TypeError {
  return new TypeError("fetch failed", { cause });
}

/** Returns the JSON object of a request; an empty one for a request without a body. */
export async function readBody(request: Request): Promise<Readonly<Record<string, unknown>>> {
  const body = await request.text();
  return body === "" ? {} : JSON.parse(body);
}

/** A request at the border of a simulated host. */
export interface SimCall {
  /** The method and the path without what differs between subjects, such as `GET /repos/{name}/pulls/{number}`. */
  readonly operation: string;
  readonly request: Request;
}

/**
 * Meets every request before the host does. `proceed` asks the host, any number of times. A rejection is a connection
 * that breaks.
 */
export type Intercept = (call: SimCall, proceed: () => Promise<Response>) => Promise<Response>;

/** Returns the name of what a request does. */
export function toOperation(method: string, path: string): string {
  const named = path
    .replace(/^\/repos\/[^/]+\/[^/]+/, "/repos/{name}")
    .replace(/^\/projects\/[^/]+/, "/projects/{id}")
    .replace(/\/collaborators\/[^/]+/, "/collaborators/{login}")
    .replace(/\/(?:compare|tarball)\/[^/]+/, (part) => `/${part.split("/")[1]}/{commits}`)
    .replace(/\/[0-9a-f]{40}(?=\/|$)/g, "/{commit}")
    .replace(/\/\d+(?=\/|$)/g, "/{number}");
  return `${method} ${named}`;
}
