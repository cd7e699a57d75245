import type { LookupAddress } from "node:dns";
import { lookup } from "node:dns/promises";
import {
  Agent as HttpAgent,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as requestPlainly,
} from "node:http";
import { Agent as HttpsAgent, request as requestSecurely } from "node:https";
import { BlockList, isIP, type LookupFunction, type Socket } from "node:net";
import type { Readable } from "node:stream";
import { defined, keepStart, StackyardError } from "@stackyard/core";
import { evaluateUrl, type UrlFault, type UrlRules } from "../evaluate-url.ts";

/** Rules and time limits for downloads. */
export interface SourceFetchOptions {
  /** Checked before every request, including a redirected one. */
  readonly rules: UrlRules;
  /** True to allow private addresses too, for interface endpoints. Default: false. */
  readonly privateEndpoints?: boolean;
  /** Default: 5,000. */
  readonly connectTimeoutMs?: number;
  /** Default: 30,000. */
  readonly idleTimeoutMs?: number;
  /** Sends requests to another origin, such as `http://127.0.0.1:4566` for an emulator. The `Host` header stays the URL's. */
  readonly origin?: (url: URL) => string;
  /** Default: the system's resolver. */
  readonly resolve?: Resolve;
  /** Returns the time. Default: the system's clock. */
  readonly now?: () => number;
}

const CONNECT_TIMEOUT_MS = 5_000;
const IDLE_TIMEOUT_MS = 30_000;

/**
 * Downloads files by presigned URLs of the source bucket. Every URL is checked again, private addresses are refused, and only
 * one 307 redirect is followed, to a URL that passes the same checks (S3 sends it for new buckets until DNS has the name: S3
 * user guide, "Making requests", "Request redirection and the REST API").
 */
export function createSourceFetch(options: SourceFetchOptions): SourceFetch {
  const { rules, origin, connectTimeoutMs = CONNECT_TIMEOUT_MS, idleTimeoutMs = IDLE_TIMEOUT_MS } = options;
  const { now = Date.now } = options;
  const lookup = createCheckedLookup(options);

  async function send({ url, range, signal }: SourceRequest): Promise<IncomingMessage> {
    const headers = {
      // Digests cover the stored bytes.
      "Accept-Encoding": "identity",
      "User-Agent": "stackyard-consumer",
      ...(range && { Range: `bytes=${range.from}-${range.to}` }),
    };
    const elsewhere = origin?.(new URL(url));
    return sendGet(defined({ url, origin: elsewhere, headers, lookup, connectTimeoutMs, idleTimeoutMs, signal }));
  }

  async function fetchOnce(request: SourceRequest, redirects: number): Promise<SourceAnswer> {
    const verdict = evaluateUrl(request.url, request.key, rules);
    if (verdict.kind === "refused") return { kind: "forbidden", code: verdict.code, reason: verdict.reason };
    // The checked lookup is not called for an IP address, so only host names are allowed.
    if (isIP(new URL(request.url).hostname.replace(/^\[|\]$/g, "")) !== 0) {
      return { kind: "forbidden", code: "URL_HOST", reason: "The host is an IP address." };
    }
    const response = await send(request);
    const { statusCode: status = 0, headers } = response;
    if (status >= 300 && status < 400) return follow(response, request, redirects);
    const body = readWithin(response, idleTimeoutMs);
    if (status !== 200 && status !== 206) {
      return { kind: "refused", status, ...(await readErrorAnswer(body)), ...toClock(headers, now()) };
    }
    return { ...toContent(headers), body, cancel: () => void response.destroy() };
  }

  async function follow(from: IncomingMessage, request: SourceRequest, redirects: number): Promise<SourceAnswer> {
    const { location } = from.headers;
    from.destroy();
    if (from.statusCode !== 307 || redirects === 0 || location === undefined) return { kind: "redirected" };
    const answer = await fetchOnce({ ...request, url: location }, redirects - 1);
    return answer.kind === "forbidden" ? { kind: "redirected" } : answer;
  }

  return (request) =>
    fetchOnce(request, 1).catch((error) => ({ kind: "unreachable", reason: toUnreachable(error).message }));
}

function toContent(headers: IncomingHttpHeaders): Omit<SourceContent, "body" | "cancel"> {
  const length = toWhole(headers["content-length"]);
  const [, from, to, size] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(headers["content-range"] ?? "") ?? [];
  const total = toWhole(size);
  const range = { from: Number(from), to: Number(to), ...defined({ size: total }) };
  return { kind: "content", ...defined({ length }), ...(from !== undefined && { range }) };
}

function toWhole(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function toClock({ date = "" }: IncomingHttpHeaders, now: number): { readonly clockAheadMs?: number } {
  const at = Date.parse(date);
  return Number.isNaN(at) ? {} : { clockAheadMs: at - now };
}

/** Bytes `from` to `to`, both included. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** A request for a file, or a part of it, by presigned URL. */
export interface SourceRequest {
  readonly url: string;
  /** The key that the URL must name. */
  readonly key: string;
  readonly range?: ByteRange;
  readonly signal: AbortSignal;
}

/** The outcome of a request. */
export type SourceAnswer =
  | SourceContent
  /** S3 refused the request, or the response is not a file. */
  | (ErrorWords & {
      readonly kind: "refused";
      readonly status: number;
      /** Difference between the source's clock and ours, when the response has a date. */
      readonly clockAheadMs?: number;
    })
  /** The URL is not allowed; no request was sent. */
  | { readonly kind: "forbidden"; readonly code: UrlFault; readonly reason: string }
  /** The source redirected to a URL that is not allowed. */
  | { readonly kind: "redirected" }
  | { readonly kind: "unreachable"; readonly reason: string };

/** A file whose download has started. */
export interface SourceContent {
  readonly kind: "content";
  /** The content length that the source reports. */
  readonly length?: number;
  /** For a partial response: the range, and the total size. */
  readonly range?: ByteRange & { readonly size?: number };
  /** Read it to its end, or return from the loop. Throws `UNREACHABLE`. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Ends the download, whether or not the body was read. */
  readonly cancel: () => void;
}

/** Downloads by presigned URL. Never throws, and no outcome contains a URL. */
export type SourceFetch = (request: SourceRequest) => Promise<SourceAnswer>;

/** A GET request. */
interface GetInput {
  readonly url: string;
  /** Replaces scheme, host and port of the URL. */
  readonly origin?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly lookup: LookupFunction;
  /** For name resolution, connection and TLS together. */
  readonly connectTimeoutMs: number;
  /** Until the response starts. */
  readonly idleTimeoutMs: number;
  readonly signal: AbortSignal;
}

// The global agents can be configured to use proxies from the environment. Connections are not kept alive, because a
// function is frozen between calls.
const agents = { "http:": new HttpAgent(), "https:": new HttpsAgent() };

/** Sends a GET with verified TLS and without proxy, cookies or redirects. Throws `UNREACHABLE`. */
function sendGet(input: GetInput): Promise<IncomingMessage> {
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
    const idle = setTimeout(() => fail("The source did not respond in time."), input.idleTimeoutMs);
    request.once("socket", (socket) =>
      limitConnecting(socket, isPlain, input.connectTimeoutMs, () => fail("The connection to the source timed out.")),
    );
    request.once("response", resolve);
    request.on("error", (error) => reject(toUnreachable(error)));
    request.once("response", () => clearTimeout(idle));
    request.once("close", () => {
      clearTimeout(idle);
      // A protocol switch ends the request without a response or an error.
      reject(new StackyardError("UNREACHABLE", "The source does not respond."));
    });
    request.end();
  });
}

function readAuthority(url: string, origin: string | undefined) {
  const { host } = new URL(url);
  const { protocol, hostname, port } = new URL(origin ?? url);
  // IPv6 brackets belong to the URL syntax only.
  return { host, protocol, hostname: hostname.replace(/^\[|\]$/g, ""), port };
}

/** Returns the path unchanged: the signature covers these characters. */
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

/** Resolves all addresses of a host name. */
type Resolve = (host: string) => Promise<readonly LookupAddress[]>;

/** Options of the name resolution. */
export type CheckedLookupOptions = Pick<SourceFetchOptions, "resolve" | "privateEndpoints">;

/**
 * Creates the `lookup` of a socket. The socket connects to the checked addresses, so a name cannot change between check and
 * connection (DNS rebinding). One private address is enough to refuse the name.
 */
export function createCheckedLookup(options: CheckedLookupOptions = {}): LookupFunction {
  const { resolve = (host) => lookup(host, { all: true, verbatim: true }), privateEndpoints = false } = options;
  return (host, { all }, callback) => {
    resolve(host).then(
      (found) => {
        const [first] = found;
        if (first === undefined) return callback(toRefusal(`The name ${host} has no address.`), "");
        if (!privateEndpoints && !found.every(({ address }) => isPublicAddress(address))) {
          return callback(toRefusal(`The name ${host} has an address that is not public.`), "");
        }
        if (all === true) callback(null, [...found]);
        else callback(null, first.address, first.family);
      },
      (error) => callback(toRefusal(`The name ${host} cannot be resolved.`, error), ""),
    );
  };
}

function toRefusal(why: string, cause?: unknown): StackyardError {
  return new StackyardError("UNREACHABLE", why, { cause });
}

/** Source: IANA, "IPv4 Special-Purpose Address Registry", and multicast. */
const NOT_PUBLIC_4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
];
/** Global unicast: addresses that wrap IPv4, are local, or unassigned are outside (IANA, "IPv6 Address Space"). */
const PUBLIC_6 = ["2000::/3"];
/** Within it: protocol assignments with Teredo, 6to4, documentation (IANA, "IPv6 Special-Purpose Address Registry"). */
const NOT_PUBLIC_6 = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"];

const notPublic4 = toList(NOT_PUBLIC_4, "ipv4");
const public6 = toList(PUBLIC_6, "ipv6");
const notPublic6 = toList(NOT_PUBLIC_6, "ipv6");

/** Returns true for a public internet address; false for private, embedded and invalid addresses. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !notPublic4.check(address, "ipv4");
  // A zone is valid on one link only.
  if (family !== 6 || address.includes("%")) return false;
  return public6.check(address, "ipv6") && !notPublic6.check(address, "ipv6");
}

function toList(subnets: readonly string[], type: "ipv4" | "ipv6"): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [net = "", bits] = subnet.split("/");
    list.addSubnet(net, Number(bits), type);
  }
  return list;
}

/**
 * Yields the bytes of a stream and destroys it afterwards. Throws `UNREACHABLE` when the sender is idle for `idleMs`. The
 * time that the reader needs does not count.
 */
export async function* readWithin(stream: Readable, idleMs: number): AsyncGenerator<Uint8Array> {
  let waiting = true;
  const timer = setTimeout(() => {
    if (waiting) stream.destroy(new StackyardError("UNREACHABLE", "The source stopped sending."));
    else timer.refresh();
  }, idleMs);
  try {
    for await (const chunk of stream) {
      waiting = false;
      yield chunk;
      waiting = true;
      timer.refresh();
    }
  } catch (error) {
    throw toUnreachable(error);
  } finally {
    clearTimeout(timer);
    stream.destroy();
  }
}

/** Converts a socket error. Such errors can contain anything, so only the code is repeated. */
function toUnreachable(error: unknown): StackyardError {
  if (error instanceof StackyardError) return error;
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? ` (${error.code})` : "";
  return new StackyardError("UNREACHABLE", `The source does not respond${code}.`);
}

/** Code and message of an S3 error response. */
interface ErrorWords {
  readonly code?: string;
  readonly message?: string;
}

const MAX_BYTES = 65_536;
const MAX_WORDS = 500;

/**
 * Reads `<Code>` and `<Message>` of an XML error response, at most 64 KiB of it. Other elements are ignored: responses to
 * invalid signatures repeat the request. Source: Amazon S3 API reference, "REST error responses".
 */
export async function readErrorAnswer(body: AsyncIterable<Uint8Array>): Promise<ErrorWords> {
  const text = await readBeginning(body).catch(() => "");
  const code = findElement(text, "Code", /^[A-Za-z0-9.]{1,100}$/);
  const message = findElement(text, "Message", /^[^<]*$/);
  return { ...(code && { code }), ...(message && { message }) };
}

async function readBeginning(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size >= MAX_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(0, MAX_BYTES).toString("utf-8");
}

function findElement(text: string, name: string, shape: RegExp): string | undefined {
  const [, found = ""] = text.split(`<${name}>`, 2);
  const end = found.indexOf(`</${name}>`);
  const value = keepStart(found.slice(0, Math.max(0, end)), MAX_WORDS);
  return shape.test(value) ? value : undefined;
}
