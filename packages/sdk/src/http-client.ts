import {
  backoff,
  defined,
  ERROR_CODES,
  type ErrorCode,
  isPathPart,
  isStackyardError,
  parseJson,
  retry,
  StackyardError,
  trimEndOf,
} from "@stackyard/core";

/** The address of a server, and the options of requests to it. */
export interface StackyardOptions {
  /** Such as `http://127.0.0.1:7070`; a path is kept before the API's own. */
  readonly url: string;
  /**
   * Required unless the server allows anonymous calls. A function, such as that of `createCiToken`, is called per
   * request.
   */
  readonly token?: string | TokenSource;
  /** Default: the global one. */
  readonly fetch?: typeof fetch;
  /** Further tries after a failure that may pass: the network, 429, 5xx. Default 3. */
  readonly retries?: number;
  /** The time limit of one try, in milliseconds. Default 30 s. */
  readonly timeoutMs?: number;
}

/** Returns the present token; undefined for none. */
export type TokenSource = () => string | undefined | Promise<string | undefined>;

/** The options of a call. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** One request. */
export interface ApiRequest extends CallOptions {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  /** Segments of the path, unencoded. */
  readonly path: readonly string[];
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
  /** JSON that is sent unchanged, in place of `body`. */
  readonly json?: string | undefined;
  /** False if the server may execute a repeated request twice. Default true. */
  readonly repeatable?: boolean;
}

/** Talks to the server. */
export interface HttpClient {
  /** Returns the response's JSON. The server guarantees its shape; it is not checked again. */
  requestJson<Answer>(request: ApiRequest): Promise<Answer>;
  requestText(request: ApiRequest): Promise<string>;
  /** Opens a stream; no retries and no time limit. */
  openStream(request: ApiRequest, headers: Readonly<Record<string, string>>): Promise<Response>;
}

const DEFAULT_RETRIES = 3;
const DEFAULT_TIMEOUT_MS = 30_000;

/** Creates a client over `fetch`. */
export function createHttpClient(options: StackyardOptions): HttpClient {
  const send = createSend(options);
  return {
    requestJson: <Answer>(request: ApiRequest) =>
      sendPatiently(send, options, { ...request, read: parseAnswer<Answer> }),
    requestText: (request) => sendPatiently(send, options, { ...request, read: (text) => text }),
    async openStream(request, headers) {
      const response = await send(request, request.signal ?? new AbortController().signal, headers);
      if (!response.ok) throw toApiError(response, await response.text(), options.url);
      return response;
    },
  };
}

type Send = (request: ApiRequest, signal: AbortSignal, headers?: Readonly<Record<string, string>>) => Promise<Response>;

function createSend({ url, token, fetch: given }: StackyardOptions): Send {
  const base = parseBase(url);
  // Called as a plain function: browsers reject a fetch that is called as another object's method.
  const call = given ?? ((...input: Parameters<typeof fetch>) => globalThis.fetch(...input));
  const findToken = async () => (typeof token === "function" ? token() : token);
  return async (request, signal, headers = {}) => {
    const { method = "GET", body, json = body === undefined ? undefined : JSON.stringify(body) } = request;
    const secret = checkToken(await findToken());
    return call(toUrl(base, request), {
      method,
      signal,
      redirect: "error",
      headers: {
        accept: "application/json",
        ...defined({
          authorization: secret === undefined ? undefined : `Bearer ${secret}`,
          "content-type": json === undefined ? undefined : "application/json",
        }),
        ...headers,
      },
      ...defined({ body: json }),
    });
  };
}

/** Throws for a token that no header can have, before `fetch` rejects it with a message that contains it. */
function checkToken(token: string | undefined): string | undefined {
  if (token === undefined || /^[\x21-\x7e]*$/.test(token.trim())) return token;
  const text = "The token contains a space, a line break or a character that no token has. Copy it again.";
  throw new StackyardError("UNAUTHENTICATED", text);
}

function parseBase(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol !== "http:" && parsed?.protocol !== "https:") {
    throw new StackyardError("CONFIG_INVALID", `"${url}" is not an http or https address.`);
  }
  return `${parsed.origin}${trimEndOf(parsed.pathname, "/")}`;
}

function toUrl(base: string, { path, query = {} }: ApiRequest): string {
  const dots = path.find((segment) => segment === "" || !isPathPart(segment));
  if (dots !== undefined) throw new StackyardError("USAGE", `"${dots}" is not allowed in the path of a request.`);
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  return `${base}/${path.map(encodeURIComponent).join("/")}${search.size === 0 ? "" : `?${search}`}`;
}

/** A request with the parser of its answer. */
interface ReadRequest<Answer> extends ApiRequest {
  /** Throws for a text that is not the server's. `url`: the address that was asked. */
  readonly read: (text: string, url: string) => Answer;
}

/** Parses an answer. The page of a proxy with 200, and an answer that was cut off, are not JSON. */
function parseAnswer<Answer>(text: string, url: string): Answer {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const answer = { status: 200, title: "OK", detail: "The server answered 200 without JSON." };
    throw new StackyardApiError(toForeignProblem(answer, url), cause);
  }
}

async function sendPatiently<Answer>(
  send: Send,
  options: StackyardOptions,
  request: ReadRequest<Answer>,
): Promise<Answer> {
  const { url, retries = DEFAULT_RETRIES, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const abort = request.signal ?? new AbortController().signal;
  return retry(() => sendOnce(send, request, { abort, timeoutMs, url }), {
    tries: request.repeatable === false ? 1 : retries + 1,
    isRetryable: (error) => isStackyardError(error) && error.retryable && !abort.aborted,
    pause: (failed, error) => sleep(Math.max(backoffMs(failed), retryAfterMs(error)), abort),
  });
}

async function sendOnce<Answer>(
  send: Send,
  request: ReadRequest<Answer>,
  { abort, timeoutMs, url }: { readonly abort: AbortSignal; readonly timeoutMs: number; readonly url: string },
): Promise<Answer> {
  const limit = AbortSignal.timeout(timeoutMs);
  try {
    const response = await send(request, AbortSignal.any([abort, limit]));
    // The body is read under the same time limit.
    const text = await response.text();
    if (response.ok) return request.read(text, url);
    throw toApiError(response, text, url);
  } catch (error) {
    throw error instanceof StackyardError ? error : toTransportError(error, { abort, limit, url });
  }
}

/** Why a request has no answer of the server. `details.server` of the error has it. */
export interface ServerFault {
  /** The address that was asked: that of the server, or of what issues a job's token. */
  readonly url: string;
  /** `unreached`: no connection. `silent`: the time limit passed. `foreign`: another server answered, such as a proxy. */
  readonly kind: "unreached" | "silent" | "foreign";
  /** Of a foreign answer. */
  readonly status?: number;
}

/** Returns why the request has no answer of the server; undefined for any other error. */
export function findServerFault(error: unknown): ServerFault | undefined {
  const fault = isStackyardError(error) ? error.details["server"] : undefined;
  return isServerFault(fault) ? fault : undefined;
}

function isServerFault(value: unknown): value is ServerFault {
  return typeof value === "object" && value !== null && "url" in value && "kind" in value;
}

/** How a request ended, and whom it asked. */
interface EndedRequest {
  readonly abort?: AbortSignal;
  readonly limit: AbortSignal;
  readonly url: string;
}

/** Converts what `fetch` throws. */
export function toTransportError(cause: unknown, { abort, limit, url }: EndedRequest): StackyardError {
  if (abort?.aborted) return new StackyardError("INTERRUPTED", "The call was stopped.", { cause });
  const server: ServerFault = { url, kind: limit.aborted ? "silent" : "unreached" };
  const detail = limit.aborted ? "did not answer in time" : "cannot be reached";
  return new StackyardError("UNREACHABLE", `The server ${detail}.`, { details: { server }, cause });
}

/** Converts an answer that is not a success. `url`: the address that was asked. */
export function toApiError(response: Response, text: string, url: string): StackyardApiError {
  const problem = parseProblem(response, text, url);
  const wait = Number(response.headers.get("retry-after"));
  if (!(wait > 0)) return new StackyardApiError(problem);
  return new StackyardApiError({ ...problem, details: { ...problem.details, retryAfterMs: wait * 1_000 } });
}

/** The signal of calls that nothing stops. */
export const NEVER: AbortSignal = new AbortController().signal;

const MAX_RETRY_AFTER_MS = 60_000;

function retryAfterMs(error: unknown): number {
  const wait = isStackyardError(error) ? error.details["retryAfterMs"] : undefined;
  return typeof wait === "number" ? Math.min(wait, MAX_RETRY_AFTER_MS) : 0;
}

/** The server's description of a rejected request (RFC 9457). */
export interface ProblemDetails {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  /** Stable; also the codes of rejections, such as `TASK_NOT_RUNNING`. */
  readonly code: string;
  readonly retryable: boolean;
  readonly requestId?: string;
  readonly faults?: readonly { readonly in: string; readonly pointer: string; readonly message: string }[];
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The server's refusal. `problem.code` is the server's word; `code` is the nearest code that every error of ours may have. */
export class StackyardApiError extends StackyardError {
  readonly problem: ProblemDetails;

  constructor(problem: ProblemDetails, cause?: unknown) {
    super(toErrorCode(problem), problem.detail, { details: { ...problem.details, problem }, cause });
    this.name = "StackyardApiError";
    this.problem = problem;
  }
}

/** Parses the problem in a response. Also converts responses of intermediaries, such as a proxy. */
function parseProblem({ status, statusText }: Response, text: string, url: string): ProblemDetails {
  const body = parseJson(text);
  const defaults = { title: statusText, retryable: status >= 500 };
  if (isProblem(body)) return { ...defaults, ...body, status };
  const detail = `${`The server answered ${status} ${statusText}`.trim()}.`;
  return toForeignProblem({ status, title: statusText, detail }, url);
}

function toForeignProblem(answer: Pick<ProblemDetails, "status" | "title" | "detail">, url: string): ProblemDetails {
  const code = FOREIGN_CODES.get(answer.status) ?? codeOfStatus(answer.status);
  const server: ServerFault = { url, kind: "foreign", status: answer.status };
  return { ...answer, code, retryable: ERROR_CODES[code].retryable, details: { server } };
}

function isProblem(body: unknown): body is Omit<ProblemDetails, "status"> {
  if (typeof body !== "object" || body === null) return false;
  return "code" in body && typeof body.code === "string" && "detail" in body && typeof body.detail === "string";
}

function toErrorCode({ code, status }: ProblemDetails): ErrorCode {
  return isErrorCode(code) ? code : codeOfStatus(status);
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code);
}

const CODES_OF_STATUS: ReadonlyMap<number, ErrorCode> = new Map([
  [401, "UNAUTHENTICATED"],
  [403, "FORBIDDEN"],
  [404, "NOT_FOUND"],
  [409, "OUTCOME_NEGATIVE"],
  [413, "PAYLOAD_TOO_LARGE"],
  [429, "RATE_LIMITED"],
  [502, "UNREACHABLE"],
  [503, "UNREACHABLE"],
  [504, "TIMED_OUT"],
]);

/** The verdicts that only the server can give: another one that answers so does not know the request. */
const FOREIGN_CODES: ReadonlyMap<number, ErrorCode> = new Map([
  [200, "UNREACHABLE"],
  [404, "UNREACHABLE"],
  [409, "UNREACHABLE"],
]);

function codeOfStatus(status: number): ErrorCode {
  return CODES_OF_STATUS.get(status) ?? (status >= 500 ? "SERVER_ERROR" : "USAGE");
}

/** Which part of a list. */
export interface PageOptions {
  readonly cursor?: string;
  /** 1 to 1,000; default 100. More requests are sent when the items are large. */
  readonly limit?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Which part of a history. */
export interface HistoryOptions extends PageOptions {
  /** Which comes first. Default `newest`. */
  readonly order?: "newest" | "oldest";
}

const DEFAULT_LIMIT = 100;
/** The most that the server takes. */
const MAX_LIMIT = 1_000;

/**
 * Loads a page up to its limit, the whole list with an infinite one; further options are sent as the filter. The server ends a page of large items at about 1 MiB, so this may take several
 * requests; it never returns a page that is shorter than its limit and has a cursor.
 */
export async function loadPage<Item>(
  http: Pick<HttpClient, "requestJson">,
  path: readonly string[],
  options: PageOptions = {},
): Promise<Page<Item>> {
  const { limit = DEFAULT_LIMIT, signal, ...filter } = options;
  const items: Item[] = [];
  const unreadable: UnreadableRow[] = [];
  let { cursor } = options;
  do {
    const left = Number.isFinite(limit) ? { limit: Math.min(limit - items.length, MAX_LIMIT) } : {};
    const part = { ...filter, ...left, ...defined({ cursor }) };
    const page = await http.requestJson<Page<Item>>({ path, query: part, signal });
    items.push(...page.items);
    unreadable.push(...(page.unreadable ?? []));
    cursor = page.cursor;
  } while (cursor !== undefined && items.length < limit);
  return {
    items,
    ...defined({ cursor }),
    ...(unreadable.length === 0 ? {} : { unreadable }),
  };
}

const FIRST_MS = 200;
const MAX_MS = 5_000;
/** `setTimeout` uses 31 bits: longer times would end immediately. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Returns the wait before try n + 1: random, up to a doubling limit, so that senders do not retry together. */
export function backoffMs(tries: number, random: () => number = Math.random): number {
  return random() * backoff(tries, { first: FIRST_MS, most: MAX_MS });
}

/** Resolves after the time, or when the signal is aborted. Times above 24 days are shortened. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, Math.min(ms, LONGEST_TIMER_MS));
    signal.addEventListener("abort", end);
  });
}

/** Part of a list; without a cursor it is the last. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly cursor?: string;
  /** Rows in this part of the list that the server's store cannot read. Absent when all can be read. */
  readonly unreadable?: readonly UnreadableRow[];
}

/** A damaged row of the store: the id of its item, or the position of its line of the history. */
export interface UnreadableRow {
  readonly id: string;
  readonly reason: string;
}

/** Creates a new event id: 128 random bits in hex. `crypto.randomUUID` is missing on pages without TLS. */
export function createEventId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
