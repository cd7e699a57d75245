import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { judgeUrl, type UrlRules } from "../judge-url.ts";
import { createCheckedLookup, type Resolve } from "./checked-lookup.ts";
import { readErrorAnswer } from "./read-error-answer.ts";
import { readWithin, toUnreachable } from "./read-within.ts";
import { sendGet } from "./send-get.ts";
import type { SourceAnswer, SourceContent, SourceFetch, SourceRequest } from "./source-answer.ts";

/** What may be fetched, and how patiently. */
export interface SourceFetchOptions {
  /** Asked before every request, also before the one that a redirect leads to. */
  readonly rules: UrlRules;
  /** Addresses inside of the network are good too: for interface endpoints. Default: false. */
  readonly privateEndpoints?: boolean;
  /** Default: 5,000. */
  readonly connectTimeoutMs?: number;
  /** Default: 30,000. */
  readonly idleTimeoutMs?: number;
  /** Where a request goes instead, such as `http://127.0.0.1:4566`: for emulators. The `Host` stays the URL's. */
  readonly origin?: (url: URL) => string;
  /** Default: as the system resolves names. */
  readonly resolve?: Resolve;
  /** Default: the system's clock. */
  readonly now?: () => number;
}

const CONNECT_TIMEOUT_MS = 5_000;
const IDLE_TIMEOUT_MS = 30_000;

/**
 * Fetches files by presigned URLs of the source bucket, and nothing else: what a URL may be is judged here again, addresses
 * inside of the network are not called, and only a 307 is followed, once, to a URL that stands the same judgement (S3 sends
 * it for buckets whose name has not spread yet: S3 guide, "Making requests", "Request redirection and the REST API").
 */
export function createSourceFetch(options: SourceFetchOptions): SourceFetch {
  const { rules, origin, connectTimeoutMs = CONNECT_TIMEOUT_MS, idleTimeoutMs = IDLE_TIMEOUT_MS } = options;
  const { now = Date.now } = options;
  const lookup = createCheckedLookup(options);

  async function send({ url, range, signal }: SourceRequest): Promise<IncomingMessage> {
    const headers = {
      // Digests are over the bytes as they lie there.
      "Accept-Encoding": "identity",
      "User-Agent": "stackyard-consumer",
      ...(range && { Range: `bytes=${range.from}-${range.to}` }),
    };
    const elsewhere = origin === undefined ? {} : { origin: origin(new URL(url)) };
    return sendGet({ url, ...elsewhere, headers, lookup, connectTimeoutMs, idleTimeoutMs, signal });
  }

  async function fetchOnce(request: SourceRequest, redirects: number): Promise<SourceAnswer> {
    const verdict = judgeUrl(request.url, request.key, rules);
    if (verdict.kind === "refused") return { kind: "forbidden", code: verdict.code, reason: verdict.reason };
    // A socket resolves no address, so nobody would look at it: hosts have names.
    if (isIP(new URL(request.url).hostname.replace(/^\[|\]$/g, "")) !== 0) {
      return { kind: "forbidden", code: "URL_HOST", reason: "The host is an address." };
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
  const range = { from: Number(from), to: Number(to), ...(total !== undefined && { size: total }) };
  return { kind: "content", ...(length !== undefined && { length }), ...(from !== undefined && { range }) };
}

function toWhole(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function toClock({ date = "" }: IncomingHttpHeaders, now: number): { readonly clockAheadMs?: number } {
  const at = Date.parse(date);
  return Number.isNaN(at) ? {} : { clockAheadMs: at - now };
}
