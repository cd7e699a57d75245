import { cutText, isMap, keepStart, StackyardError, toStrictJson } from "@stackyard/core";
import type { Static, TSchema } from "typebox";
import { Check } from "typebox/value";
import { limitAnswers } from "../limit-answers.ts";
import { readWarned, type WarnOfRows } from "../poll/read-rows.ts";
import type { HostFault } from "../report/report-host.ts";

/** Stackyard's identity at GitLab. */
export interface GitLabInput {
  /** The token of a project, a group or a user. */
  readonly token: string;
  /** The address of a self-managed GitLab, also below a path. Default: gitlab.com. */
  readonly url?: string | undefined;
  readonly now: () => number;
  /** Default: that of the platform. */
  readonly fetch?: typeof fetch;
  /** Is called with a warning for each row of a list that cannot be read. */
  readonly warn?: WarnOfRows;
}

/** A request of the API of GitLab. */
export interface GitLabRequest {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  /** Below `/api/v4`. */
  readonly path: string;
  readonly body?: Readonly<Record<string, unknown>>;
  /** The signal that ends a long answer. Default: it ends after ten seconds. */
  readonly signal?: AbortSignal;
  /** True for an answer that is read in pieces, of any size. Default: false. */
  readonly isArchive?: boolean;
}

/** Requests of one token. */
export interface GitLabClient {
  /** Sends a request; returns undefined when its subject does not exist, or the token has no access. */
  send(request: GitLabRequest): Promise<Response | undefined>;
  /** Sends a request about what must exist: a 404 is an error too. */
  write<Schema extends TSchema>(schema: Schema, request: GitLabRequest): Promise<Static<Schema>>;
  /** Returns the parsed response. */
  read<Schema extends TSchema>(schema: Schema, path: string): Promise<Static<Schema> | undefined>;
  /** Returns all items of a list that can be read. */
  list<Schema extends TSchema>(schema: Schema, path: string): Promise<Static<Schema>[] | undefined>;
  /** Returns all items of a list that must exist: a 404 is an error too, not a list without items. */
  requireList<Schema extends TSchema>(schema: Schema, path: string): Promise<Static<Schema>[]>;
}

/** GitLab rejected a request, or requires a wait. */
class GitLabFailed extends StackyardError {
  readonly status: number;
  /** Epoch milliseconds. */
  readonly until: number | undefined;

  constructor(message: string, { status, until }: { readonly status: number; readonly until?: number | undefined }) {
    super("SERVER_ERROR", message);
    this.status = status;
    this.until = until;
  }
}

/** The time limit of one request, in milliseconds. */
export const REQUEST_MS = 10_000;
const PER_PAGE = 100;
/** The most pages of one list: 10,000 items. */
const MOST_PAGES = 100;
const TOO_MANY = 429;
const MOST_MESSAGE = 300;
/** The wait when GitLab rejects too many requests without a time. */
const PAUSE_SECONDS = 60;

/** Creates the client of a token. Sends nothing while GitLab requires a wait. */
export function createGitLabClient({
  token,
  url = "https://gitlab.com",
  now,
  fetch = globalThis.fetch,
  warn = () => undefined,
}: GitLabInput): GitLabClient {
  const limited = limitAnswers(fetch);
  const base = `${url.replace(/\/$/, "")}/api/v4`;
  let pausedUntil = 0;

  async function send({ method = "GET", path, body, signal, isArchive }: GitLabRequest): Promise<Response | undefined> {
    checkPause();
    const init = {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json", accept: "application/json" },
      body: body === undefined ? null : toStrictJson(body),
      signal: signal ?? AbortSignal.timeout(REQUEST_MS),
      redirect: "manual",
    } as const;
    const ask = isArchive === true ? fetch : limited;
    const first = await ask(`${base}${path}`, init);
    const moved = findMoved(first, { method, base });
    const response = moved === undefined ? first : await ask(moved, init);
    if (response.ok) return response;
    const said = await readMessage(response);
    if (response.status === 404) return undefined;
    throw toFailed(response, path, said);
  }

  function checkPause(): void {
    const waitSeconds = Math.ceil((pausedUntil - now()) / 1_000);
    if (waitSeconds <= 0) return;
    throw new GitLabFailed(`GitLab asks to wait ${waitSeconds} s.`, { status: TOO_MANY, until: pausedUntil });
  }

  function toFailed(response: Response, path: string, said: string | undefined): GitLabFailed {
    const { status } = response;
    if (status === TOO_MANY) pausedUntil = now() + toSeconds(response) * 1_000;
    const until = status === TOO_MANY ? pausedUntil : undefined;
    const reason = said === undefined ? "." : `: ${said}`;
    return new GitLabFailed(`GitLab answered ${status} to ${path.split("?")[0]}${reason}`, { status, until });
  }

  async function list<Schema extends TSchema>(schema: Schema, path: string): Promise<Static<Schema>[] | undefined> {
    const items: Static<Schema>[] = [];
    for (let page = 1; page <= MOST_PAGES; page++) {
      const response = await send({
        path: `${path}${path.includes("?") ? "&" : "?"}per_page=${PER_PAGE}&page=${page}`,
      });
      if (response === undefined) return undefined;
      items.push(...readWarned(schema, await response.json(), { list: path, warn }));
      if (!response.headers.get("x-next-page")) return items;
    }
    throw new StackyardError("SERVER_ERROR", `GitLab lists more than ${MOST_PAGES * PER_PAGE} items.`);
  }

  return {
    send,
    async write(schema, request) {
      return parse(schema, await requireFound(await send(request), request.path).json());
    },
    list,
    requireList: async (schema, path) => requireFound(await list(schema, path), path),
    async read(schema, path) {
      const response = await send({ path });
      return response && parse(schema, await response.json());
    },
  };
}

function requireFound<Found>(found: Found | undefined, path: string): Found {
  if (found !== undefined) return found;
  throw new GitLabFailed(`GitLab answered 404 to ${path}.`, { status: 404 });
}

/** Returns where a read finds a project that was moved; undefined for other answers. */
function findMoved(
  { status, headers }: Response,
  { method, base }: { readonly method: string; readonly base: string },
): string | undefined {
  const isMoved = status === 301 && method === "GET";
  const location = isMoved ? URL.parse(headers.get("location") ?? "", base)?.href : undefined;
  return location?.startsWith(`${base}/projects/`) ? location : undefined;
}

/** Returns why GitLab refuses a request, such as that its project was moved. */
async function readMessage(response: Response): Promise<string | undefined> {
  const location = response.headers.get("location");
  if (location !== null) {
    await response.body?.cancel();
    return `it is at ${keepStart(location, MOST_MESSAGE)} now.`;
  }
  const body: unknown = await response.json().catch(() => undefined);
  const said = isMap(body) ? (body["message"] ?? body["error"]) : undefined;
  if (said === undefined) return undefined;
  return cutText(typeof said === "string" ? said : JSON.stringify(said), MOST_MESSAGE);
}

function toSeconds({ headers }: Response): number {
  const seconds = Number(headers.get("retry-after") ?? PAUSE_SECONDS);
  return Number.isFinite(seconds) ? seconds : PAUSE_SECONDS;
}

/** Parses a response by its schema. */
export function parse<Schema extends TSchema>(schema: Schema, body: unknown): Static<Schema> {
  if (Check(schema, body)) return body;
  throw new StackyardError("SERVER_ERROR", "The answer of GitLab cannot be read.");
}

/** Returns why a request failed; undefined for an error that does not come from one. */
export function toGitLabFault(error: unknown): HostFault | undefined {
  if (error instanceof GitLabFailed) return toStatusFault(error);
  // The errors that fetch throws when the host does not answer, or not in time.
  const isSilent = error instanceof TypeError || (error instanceof DOMException && error.name === "TimeoutError");
  return isSilent ? { kind: "down" } : undefined;
}

function toStatusFault({ status, until }: GitLabFailed): HostFault {
  if (until !== undefined) return { kind: "waiting", until };
  if (status === 401) return { kind: "unauthorized" };
  if (status === 403 || status === 404) return { kind: "forbidden" };
  // 409: a concurrent request changes the same object. A redirect: the whole GitLab is elsewhere.
  const isDown = status < 400 || status >= 500 || status === 408 || status === 409;
  return { kind: isDown ? "down" : "refused" };
}

/**
 * Returns the path of a project by its number, or its name, which is one segment. Where only the name is known, reads
 * follow a project that was moved. GitLab answers 405 to writes. Source: "REST API" (redirects),
 * GitLab Docs.
 */
export function toProjectPath(repository: string): string {
  return `/projects/${encodeURIComponent(repository)}`;
}
