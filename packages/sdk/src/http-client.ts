import { StackyardError } from "@stackyard/core";
import { parseProblem, StackyardApiError } from "./api-error.ts";
import { backoffMs, sleep } from "./backoff.ts";

/** How to reach a server. */
export interface StackyardOptions {
  /** Such as `http://127.0.0.1:7070`; a path before the API's own is kept. */
  readonly url: string;
  /** Without it the server must allow anonymous calls. */
  readonly token?: string;
  /** Default: the global one. */
  readonly fetch?: typeof fetch;
  /** Further tries after a failure that may pass: the network, 429, 5xx. Default 3. */
  readonly retries?: number;
  /** Of one try. Default 30 s. */
  readonly timeoutMs?: number;
}

/** What a call may be given. */
export interface CallOptions {
  readonly signal?: AbortSignal;
}

/** One request. */
export interface ApiRequest extends CallOptions {
  readonly method?: "GET" | "POST";
  /** Segments of the path, unencoded. */
  readonly path: readonly string[];
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
  /** False: the server may do it twice when it is sent twice. Default true. */
  readonly repeatable?: boolean;
}

/** Talks to the server. */
export interface HttpClient {
  /** The answer's JSON. Its shape is the server's promise and not checked again. */
  requestJson<Answer>(request: ApiRequest): Promise<Answer>;
  requestText(request: ApiRequest): Promise<string>;
  /** Opens a stream; no retries and no time limit. */
  openStream(request: ApiRequest, headers: Readonly<Record<string, string>>): Promise<Response>;
}

const DEFAULT_RETRIES = 3;
const DEFAULT_TIMEOUT_MS = 30_000;

/** A client over `fetch`. */
export function createHttpClient(options: StackyardOptions): HttpClient {
  const send = createSend(options);
  return {
    requestJson: async (request) => JSON.parse(await sendPatiently(send, options, request)),
    requestText: (request) => sendPatiently(send, options, request),
    async openStream(request, headers) {
      const response = await send(request, request.signal ?? new AbortController().signal, headers);
      if (!response.ok) throw toApiError(response, await response.text());
      return response;
    },
  };
}

type Send = (request: ApiRequest, signal: AbortSignal, headers?: Readonly<Record<string, string>>) => Promise<Response>;

function createSend({ url, token, fetch: given }: StackyardOptions): Send {
  const base = parseBase(url);
  // Called as a plain function: browsers refuse a fetch that is called as a method of something else.
  const call = given ?? ((...input: Parameters<typeof fetch>) => globalThis.fetch(...input));
  return (request, signal, headers = {}) => {
    const { method = "GET", body } = request;
    return call(toUrl(base, request), {
      method,
      signal,
      redirect: "error",
      headers: {
        accept: "application/json",
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  };
}

function parseBase(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol !== "http:" && parsed?.protocol !== "https:") {
    throw new StackyardError("CONFIG_INVALID", `"${url}" is no http or https address.`);
  }
  return `${parsed.origin}${parsed.pathname.replace(/\/+$/, "")}`;
}

function toUrl(base: string, { path, query = {} }: ApiRequest): string {
  const dots = path.find((segment) => segment === "" || segment === "." || segment === "..");
  if (dots !== undefined) throw new StackyardError("USAGE", `"${dots}" cannot stand in the path of a request.`);
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  return `${base}/${path.map(encodeURIComponent).join("/")}${search.size === 0 ? "" : `?${search}`}`;
}

async function sendPatiently(send: Send, options: StackyardOptions, request: ApiRequest): Promise<string> {
  const { retries = DEFAULT_RETRIES, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const abort = request.signal ?? new AbortController().signal;
  for (let tries = 1; ; tries += 1) {
    const answer = await sendOnce(send, request, abort, timeoutMs);
    if (typeof answer === "string") return answer;
    const last = tries > retries || request.repeatable === false || !answer.retryable;
    if (last || abort.aborted) throw answer;
    await sleep(Math.max(backoffMs(tries), retryAfterMs(answer)), abort);
  }
}

async function sendOnce(
  send: Send,
  request: ApiRequest,
  abort: AbortSignal,
  timeoutMs: number,
): Promise<string | StackyardError> {
  const limit = AbortSignal.timeout(timeoutMs);
  try {
    const response = await send(request, AbortSignal.any([abort, limit]));
    // The body is read under the same limit.
    const text = await response.text();
    return response.ok ? text : toApiError(response, text);
  } catch (error) {
    if (error instanceof StackyardError) return error;
    return toTransportError(error, abort, limit);
  }
}

function toTransportError(cause: unknown, abort: AbortSignal, limit: AbortSignal): StackyardError {
  if (abort.aborted) return new StackyardError("INTERRUPTED", "The call was stopped.", { cause });
  const detail = limit.aborted ? "did not answer in time" : "cannot be reached";
  return new StackyardError("UNREACHABLE", `The server ${detail}.`, { cause });
}

function toApiError(response: Response, text: string): StackyardApiError {
  const problem = parseProblem(response, text);
  const wait = Number(response.headers.get("retry-after"));
  if (!(wait > 0)) return new StackyardApiError(problem);
  return new StackyardApiError({ ...problem, details: { ...problem.details, retryAfterMs: wait * 1_000 } });
}

const MAX_RETRY_AFTER_MS = 60_000;

function retryAfterMs({ details }: StackyardError): number {
  const { retryAfterMs: wait } = details;
  return typeof wait === "number" ? Math.min(wait, MAX_RETRY_AFTER_MS) : 0;
}
