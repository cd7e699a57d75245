import type { LookupAddress } from "node:dns";
import { lookup } from "node:dns/promises";
import { isIP, type LookupFunction } from "node:net";
import { defined, StackyardError } from "@stackyard/core";
import { findWay, toDeepestReason, toWayHint } from "@stackyard/core/environment";
import ipaddr from "ipaddr.js";
import { Agent, type Dispatcher, ProxyAgent, request } from "undici";

/** One request of a channel. */
export interface JsonPost {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
  /** Networks that are not public and yet allowed. */
  readonly allow: readonly string[];
  readonly signal: AbortSignal;
}

/** The answer to a request. */
export interface PostAnswer {
  readonly status: number;
  /** The first 64 KiB. */
  readonly text: string;
  /** The header `retry-after` in milliseconds. */
  readonly retryAfterMs: number | undefined;
}

/** Sends a request, and returns the answer of any status. Throws when no answer comes, and `ADDRESS_REFUSED` errors. */
export type PostJson = (post: JsonPost) => Promise<PostAnswer>;

/** Dependencies that only tests replace. */
export interface PostJsonDeps {
  /** Returns all addresses of a name. */
  readonly lookUp: (hostname: string) => Promise<readonly LookupAddress[]>;
  /** Certificates that are trusted besides those of the runtime. */
  readonly ca: string | undefined;
  readonly timeoutMs: number;
  /** Names the proxy of the process. Default: none. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** A request that is not sent to where it leads. Another try leads there too. */
export class AddressRefused extends Error {}

const TIMEOUT_MS = 10_000;
const REAL: PostJsonDeps = {
  lookUp: (hostname) => lookup(hostname, { all: true }),
  ca: undefined,
  timeoutMs: TIMEOUT_MS,
};
const MAX_BYTES = 65_536;
/** Maximum wait that a server may require. */
const MAX_RETRY_MS = 3_600_000;

/**
 * Creates the client of channels: https only, to addresses that were checked after their name was resolved and that the
 * connection then uses; redirects are not followed, an answer takes at most 10 s, and 64 KiB of it are read. A proxy of the
 * environment resolves names itself: with one, only addresses that are written as such are checked.
 */
export function createPostJson(given: Partial<PostJsonDeps> = {}): PostJson {
  const deps: PostJsonDeps = { ...REAL, ...given };
  return async ({ url, headers, body, allow, signal }) => {
    const { protocol, hostname } = parseUrl(url);
    if (protocol !== "https:") throw new AddressRefused("The address of a channel begins with https://.");
    const host = hostname.replace(/^\[|\]$/g, "");
    if (isIP(host) !== 0) checkAddress(host, host, allow);
    // An agent for each request: a connection that was checked for another channel is not used.
    const agent = createAgent(url, deps, allow);
    const ended = AbortSignal.any([signal, AbortSignal.timeout(deps.timeoutMs)]);
    try {
      const sent = request(url, {
        dispatcher: agent,
        method: "POST",
        headers: { "content-type": "application/json", "user-agent": "stackyard", ...headers },
        body,
        signal: ended,
      });
      const answer = await sent.catch((error: unknown) => {
        throw ended.aborted ? error : toUnanswered(url, error, deps);
      });
      const retryAfter = answer.headers["retry-after"];
      const text = await readStart(answer.body);
      return { status: answer.statusCode, text, retryAfterMs: toRetryMs(retryAfter) };
    } finally {
      await agent.destroy();
    }
  };
}

/** Returns the error of a request without an answer, with what to do about it. The address may be a secret. */
function toUnanswered(url: string, error: unknown, { environment = {} }: PostJsonDeps): unknown {
  if (error instanceof AddressRefused) return error;
  const hint = toWayHint(findWay(new URL(url), environment), error);
  return new Error(`${toDeepestReason(error)}. ${hint}`, { cause: error });
}

function createAgent(url: string, deps: PostJsonDeps, allow: readonly string[]): Dispatcher {
  const { lookUp, timeoutMs: timeout, ca, environment = {} } = deps;
  const way = findWay(new URL(url), environment);
  const tls = defined({ ca });
  if (way.kind === "proxy")
    return new ProxyAgent({ uri: environment[way.variable] ?? "", requestTls: { timeout, ...tls } });
  return new Agent({ connect: { lookup: checkedLookup(lookUp, allow), timeout, ...tls }, pipelining: 0 });
}

function parseUrl(url: string): URL {
  if (URL.canParse(url)) return new URL(url);
  // The address may be a secret, so it is not quoted.
  throw new StackyardError("CONFIG_INVALID", "The address of a channel is not a URL.");
}

/** Resolves a name, and passes on only addresses that may be connected to: the connection has no others. */
function checkedLookup(lookUp: PostJsonDeps["lookUp"], allow: readonly string[]): LookupFunction {
  return (hostname, { all }, callback) => {
    const found = lookUp(hostname).then((addresses) => {
      for (const { address } of addresses) checkAddress(hostname, address, allow);
      return addresses;
    });
    found.then(
      (addresses) => {
        const { address = "", family = 0 } = addresses[0] ?? {};
        if (all === true) callback(null, [...addresses]);
        else callback(null, address, family);
      },
      (error) => callback(error, []),
    );
  };
}

/** Returns true for an IPv4-compatible address such as `::7f00:1` (RFC 4291, deprecated), which no host has. */
function isCompatible(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  return "parts" in address && address.range() === "unicast" && address.parts.slice(0, 6).every((part) => part === 0);
}

/** Throws for an address that is neither public nor in an allowed network. */
function checkAddress(host: string, address: string, allow: readonly string[]): void {
  const parsed = ipaddr.process(address);
  const range = isCompatible(parsed) ? "ipv4Compatible" : parsed.range();
  if (range === "unicast") return;
  const isAllowed = allow.some((network) => {
    const [base, bits] = ipaddr.parseCIDR(network);
    return base.kind() === parsed.kind() && parsed.match(base, bits);
  });
  if (isAllowed) return;
  const which = host === address ? address : `${host} (${address})`;
  throw new AddressRefused(
    `ADDRESS_REFUSED: ${which} is not a public address (${range}). Add its network to "allow" of the channel if it is right.`,
  );
}

async function readStart(body: AsyncIterable<Buffer> & { destroy(): void }): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= MAX_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(0, MAX_BYTES).toString("utf8");
}

/** Returns the wait of a `retry-after`: seconds, or a date (RFC 9110, 10.2.3). */
function toRetryMs(header: string | string[] | undefined): number | undefined {
  const [text = ""] = [header].flat();
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - Date.now();
  return Number.isFinite(waitMs) ? Math.min(MAX_RETRY_MS, Math.max(0, waitMs)) : undefined;
}
