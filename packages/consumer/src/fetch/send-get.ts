import { Agent as HttpAgent, type IncomingMessage, request as requestPlainly } from "node:http";
import { Agent as HttpsAgent, request as requestSecurely } from "node:https";
import type { LookupFunction, Socket } from "node:net";
import { StackyardError } from "@stackyard/core";
import { toUnreachable } from "./read-within.ts";

/** One GET. */
export interface GetInput {
  readonly url: string;
  /** Where the request goes instead of the URL's own scheme, host and port. */
  readonly origin?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly lookup: LookupFunction;
  /** For name, connection and TLS together. */
  readonly connectTimeoutMs: number;
  /** Until the answer begins. */
  readonly idleTimeoutMs: number;
  readonly signal: AbortSignal;
}

// Of our own: the global agents can be told to use proxies of the environment. A function sleeps between its calls, and
// connections that were kept open are dead by then.
const agents = { "http:": new HttpAgent(), "https:": new HttpsAgent() };

/** Sends a GET as it is said, with TLS verified, no proxy, no cookies, no redirects. Fails with `UNREACHABLE`. */
export function sendGet(input: GetInput): Promise<IncomingMessage> {
  const { url, origin, headers, lookup, signal } = input;
  const { host, protocol, hostname, port } = readAuthority(url, origin);
  const isPlain = protocol === "http:";
  const options = {
    hostname,
    port,
    path: toPath(url),
    headers: { ...headers, Host: host },
    lookup,
    signal,
    ...(isPlain ? { agent: agents["http:"] } : { agent: agents["https:"], rejectUnauthorized: true, servername: host }),
  };
  return new Promise((resolve, reject) => {
    const request = isPlain ? requestPlainly(options) : requestSecurely(options);
    const fail = (why: string) => request.destroy(new StackyardError("UNREACHABLE", why));
    const idle = setTimeout(() => fail("The source does not answer in time."), input.idleTimeoutMs);
    request.once("socket", (socket) =>
      limitConnecting(socket, isPlain, input.connectTimeoutMs, () =>
        fail("The source cannot be connected to in time."),
      ),
    );
    request.once("response", resolve);
    request.on("error", (error) => reject(toUnreachable(error)));
    request.once("response", () => clearTimeout(idle));
    request.once("close", () => {
      clearTimeout(idle);
      // After a switch of protocols there is neither an answer nor an error.
      reject(new StackyardError("UNREACHABLE", "The source does not answer."));
    });
    request.end();
  });
}

function readAuthority(url: string, origin: string | undefined) {
  const { host } = new URL(url);
  const { protocol, hostname, port } = new URL(origin ?? url);
  // Brackets of IPv6 are of the URL only.
  return { host, protocol, hostname: hostname.replace(/^\[|\]$/g, ""), port };
}

/** As the text has it: the signature is over these very characters. */
function toPath(url: string): string {
  const rest = url.slice(url.indexOf("//") + 2);
  const at = rest.search(/[/?]/);
  const path = at < 0 ? "/" : rest.slice(at);
  const full = path.startsWith("/") ? path : `/${path}`;
  return full.toWellFormed().replace(/[^\u0021-\u007e]+/g, encodeURIComponent);
}

function limitConnecting(socket: Socket, isPlain: boolean, ms: number, onTimeout: () => void): void {
  const timer = setTimeout(onTimeout, ms);
  const stop = () => clearTimeout(timer);
  socket.once(isPlain ? "connect" : "secureConnect", stop);
  socket.once("close", stop);
}
