import { createHash, generateKeyPairSync, randomUUID, verify } from "node:crypto";
import { type AppManifests, createAppManifests } from "./app-manifests.ts";
import { type SimRepository, toPullBody, toRepositoryBody, toUser } from "./bodies.ts";
import { createChanges, type HeldReads, type HostChanges } from "./changes.ts";
import { compareSimCommits } from "./commit-graph.ts";
import { createDeliveries } from "./deliveries.ts";
import type { Described } from "./described.ts";
import { OWNER_ROUTES } from "./owner-routes.ts";
import { REPORT_ROUTES } from "./report-routes.ts";
import { createReports, type Reports } from "./reports.ts";
import {
  type Answer,
  MISSING,
  REPO,
  type Route,
  type RouteInput,
  type State,
  type Token,
  toAnswer,
  toNext,
  toPage,
  toPerPage,
} from "./route.ts";
import { type Answerer, createMemoryFetch, readBody, serve, toOperation } from "./server.ts";
import type { HostSimSettings, RequestFault } from "./settings.ts";

const { privateKey, publicKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "pem" },
});

/** The App of every simulated GitHub. */
export const APP_ID = 4711;
/** The private key of the App. */
export const APP_KEY = privateKey;
/** The token of a user, for all repositories. */
export const USER_TOKEN = "ghp_of_the_tests";
/** The login of that user. */
const USER_LOGIN = "yard-bot";

const INSTALLATION = 9;
const TOKEN_MS = 3_600_000;
/** A JWT of an App ends in ten minutes at the latest. Source: "Generating a JSON Web Token", GitHub Docs. */
const LONGEST_JWT_SECONDS = 600;
const PREFIX = "/api/v3";

/** What a simulation is given. */
export interface HostSimInput {
  /** The secret of the webhook. */
  readonly secret: string;
  /** Returns the time of pull requests and deliveries. Tokens follow the real clock, because clients sign by it. */
  readonly now: () => number;
}

/** A GitHub under the paths of GitHub Enterprise, with one installation of one App. */
export interface HostSim extends HostChanges {
  readonly url: string;
  /** Reaches it without a connection; other addresses are unknown. */
  readonly fetch: typeof fetch;
  /** Comments, checks and deployments. */
  readonly reports: Reports;
  /** Methods and paths, since the start. */
  readonly requests: readonly string[];
  /** Tokens of the installation that are valid. */
  listTokens(): readonly Token[];
  /** Ends them, as when the App is installed anew. */
  revokeTokens(): void;
  readonly settings: HostSimSettings;
  /** Sends what the fault `hold` held, the last first. */
  releaseReversed(): Promise<void>;
  stop(): Promise<void>;
}

/** Creates one that only `fetch` of it reaches. */
export function createHostSim(input: HostSimInput): HostSim {
  const url = "http://github.test";
  const { sim, answer } = createSim(input, () => url);
  return { ...sim, url, fetch: createMemoryFetch(url, answer), stop: async () => undefined };
}

/** Starts one over HTTP on a free port. */
export async function startHostSim(input: HostSimInput): Promise<HostSim> {
  let url = "";
  const { sim, answer } = createSim(input, () => url);
  const server = await serve(answer);
  url = server.url;
  return { ...sim, url, fetch: createMemoryFetch(url, answer), stop: server.stop };
}

function createSim({ secret, now }: HostSimInput, toUrl: () => string) {
  const requests: string[] = [];
  const settings: HostSimSettings = {
    permission: "write",
    basePermission: "read",
    isInstalled: true,
    missingRights: [],
    receiver: undefined,
    deliveryFault: undefined,
    requestFault: undefined,
    changeAnswer: undefined,
    intercept: undefined,
  };
  const deliveries = createDeliveries({ secret, now, settings });
  const reports = createReports(APP_ID);
  const user = { repositoryIds: undefined, permissions: undefined, login: USER_LOGIN };
  const tokens = new Map<string, Token>([[USER_TOKEN, user]]);
  const held: HeldReads = { repositories: undefined };
  const state: State = { repositories: new Map(), former: new Map(), held, deliveries, settings, reports, tokens };
  const manifests = createAppManifests({ id: APP_ID, pem: APP_KEY, secret, url: toUrl, now });
  const answer: Answerer = async (request) => {
    const url = new URL(request.url);
    requests.push(`${request.method} ${url.pathname}${url.search}`);
    const proceed = () => respond({ ...state, manifests }, request.clone(), url);
    const operation = toOperation(request.method, toPath(url));
    return settings.intercept === undefined ? proceed() : settings.intercept({ operation, request }, proceed);
  };
  const sim: Omit<HostSim, "url" | "fetch" | "stop"> = {
    ...createChanges({ ...state, now }),
    requests,
    listTokens: () => [...tokens.values()].filter(({ login }) => login === undefined),
    revokeTokens() {
      for (const [token, { login }] of tokens) if (login === undefined) tokens.delete(token);
    },
    reports,
    settings,
    releaseReversed: deliveries.releaseReversed,
  };
  return { sim, answer };
}

interface SimState extends State {
  readonly manifests: AppManifests;
}

/** Returns the path below the prefix. */
function toPath({ pathname }: URL): string {
  return pathname.startsWith(PREFIX) ? pathname.slice(PREFIX.length) : pathname;
}

async function respond(state: SimState, request: Request, url: URL): Promise<Response> {
  const path = url.pathname.slice(PREFIX.length);
  const fault = state.settings.requestFault?.(request.method, path);
  if (fault === undefined) {
    const answer = await answerRequest(state, request, url);
    const change = state.settings.changeAnswer ?? ((_: string, body: unknown) => body);
    return toResponse(request, { ...answer, body: change(path, answer.body) });
  }
  if (fault.afterDoing === true) await answerRequest(state, request, url);
  return toFailure(fault);
}

function toResponse(request: Request, { status, body, link, location }: Answer): Response {
  if (body instanceof Uint8Array) {
    return new Response(new Uint8Array(body), { status, headers: { "content-type": "application/x-gzip" } });
  }
  const json = JSON.stringify(body);
  const etag = `W/"${createHash("sha256").update(`${json}${link}`).digest("hex")}"`;
  const isKnown = status === 200 && request.headers.get("if-none-match") === etag;
  const headers = new Headers({ "content-type": "application/json; charset=utf-8", etag });
  if (location !== undefined) headers.set("location", location);
  if (link !== undefined) headers.set("link", link);
  const isEmpty = isKnown || status === 204;
  return new Response(isEmpty ? null : json, { status: isKnown ? 304 : status, headers });
}

function toFailure({ status, retryAfterSeconds, limitedUntil, message: said = "Fault" }: RequestFault): Response {
  const headers = new Headers();
  if (limitedUntil !== undefined) {
    headers.set("x-ratelimit-remaining", "0");
    headers.set("x-ratelimit-reset", String(limitedUntil));
  }
  if (retryAfterSeconds !== undefined) headers.set("retry-after", String(retryAfterSeconds));
  // Source: "Rate limits for the REST API", GitHub Docs.
  const message = retryAfterSeconds === undefined ? said : "You have exceeded a secondary rate limit.";
  return Response.json({ message }, { status, headers });
}

const WRITE = { admin: false, maintain: false, push: true, triage: true, pull: true };

const OWN_INSTALLATION: Described<"installation"> = { id: INSTALLATION, app_id: APP_ID, suspended_at: null };

const ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: /^\/app\/installations$/,
    credential: "app",
    answer: (_, { url }) => toPage(url, [OWN_INSTALLATION]),
  },
  {
    method: "POST",
    path: new RegExp(`^/app/installations/${INSTALLATION}/access_tokens$`),
    credential: "app",
    answer: createToken,
  },
  { method: "GET", path: /^\/app\/hook\/deliveries$/, credential: "app", answer: listDeliveries },
  {
    method: "GET",
    path: /^\/app\/hook\/deliveries\/(?<id>\d+)$/,
    credential: "app",
    answer: ({ deliveries }, { groups }) => toAnswer(deliveries.find(Number(groups["id"]))),
  },
  {
    method: "POST",
    path: /^\/app\/hook\/deliveries\/(?<id>\d+)\/attempts$/,
    credential: "app",
    answer: async ({ deliveries }, { groups }) =>
      (await deliveries.redeliver(Number(groups["id"]))) ? { status: 202, body: {} } : MISSING,
  },
  {
    method: "GET",
    path: new RegExp(`${REPO}/installation$`),
    credential: "app",
    answer: ({ repositories, settings }, { groups }) =>
      toAnswer(settings.isInstalled && repositories.has(groups["repo"] ?? "") ? OWN_INSTALLATION : undefined),
  },
  { method: "GET", path: /^\/installation\/repositories$/, answer: listInstalledRepositories },
  {
    method: "GET",
    path: /^\/user$/,
    answer: (_, { login }) => (login === undefined ? REFUSED : { status: 200, body: toUser(login) }),
  },
  {
    method: "GET",
    path: /^\/user\/repos$/,
    answer: ({ repositories }, { url }) => toPage(url, [...repositories.values()].map(toOwnRepository)),
  },
  {
    method: "GET",
    path: new RegExp(`${REPO}$`),
    answer: ({ repositories }, { groups }) => {
      const found = repositories.get(groups["repo"] ?? "");
      return toAnswer(found && toRepositoryBody(found));
    },
  },
  {
    method: "GET",
    path: new RegExp(`${REPO}/tarball/(?<commit>[^/]+)$`),
    reads: "contents",
    answer: redirectToArchive,
  },
  { method: "GET", path: new RegExp(`${REPO}/compare/(?<range>[^/]+)$`), reads: "contents", answer: compare },
  { method: "GET", path: new RegExp(`${REPO}/git/ref/(?<ref>.+)$`), reads: "contents", answer: findRef },
  { method: "GET", path: new RegExp(`${REPO}/pulls$`), reads: "pull_requests", answer: listPulls },
  { method: "GET", path: new RegExp(`${REPO}/pulls/(?<number>\\d+)$`), reads: "pull_requests", answer: findPull },
  {
    method: "GET",
    path: new RegExp(`${REPO}/collaborators/(?<login>[^/]+)/permission$`),
    answer: ({ repositories, settings }, { groups }) =>
      toAnswer(repositories.has(groups["repo"] ?? "") ? toPermissions(settings) : undefined),
  },
  ...REPORT_ROUTES,
  ...OWNER_ROUTES,
];

function listDeliveries({ deliveries }: State, { url }: RouteInput): Answer {
  const cursor = Number(url.searchParams.get("cursor") ?? Number.MAX_SAFE_INTEGER);
  const { items, next } = deliveries.list(toPerPage(url), cursor);
  const page: Answer = { status: 200, body: items };
  return next === undefined ? page : { ...page, link: toNext(url, "cursor", next) };
}

function listInstalledRepositories({ repositories }: State, { url }: RouteInput): Answer {
  const { body, ...page } = toPage(url, [...repositories.values()].map(toRepositoryBody));
  return { ...page, body: { total_count: repositories.size, repositories: body } };
}

function redirectToArchive({ repositories }: State, { groups }: RouteInput): Answer {
  const { repo = "", commit = "" } = groups;
  if (repositories.get(repo)?.archives.has(commit) !== true) return MISSING;
  return { status: 302, body: {}, location: `${ARCHIVES}${repo}@${commit}` };
}

/** Follows "Compare two commits", GitHub Docs. */
function compare({ repositories }: State, { url, groups }: RouteInput): Answer {
  const [before = "", now = ""] = decodeURIComponent(groups["range"] ?? "").split("...");
  const found = compareSimCommits(repositories.get(groups["repo"] ?? "")?.commits ?? [], before, now);
  if (found === undefined) return MISSING;
  const { onlyBefore, onlyNow } = found;
  const commits = onlyNow.map(({ id, message, author = "octocat", at = "2026-01-01T00:00:00Z" }) => ({
    sha: id,
    html_url: `https://github.com/${groups["repo"]}/commit/${id}`,
    commit: { message, author: { name: author, date: at } },
  }));
  const body = { total_commits: onlyNow.length, ahead_by: onlyNow.length, behind_by: onlyBefore.length, files: [] };
  return { status: 200, body: { ...body, commits: toPage(url, commits).body } };
}

function listPulls({ repositories, held }: State, { url, groups }: RouteInput): Answer {
  const repository = (held.repositories ?? repositories).get(groups["repo"] ?? "");
  if (repository === undefined) return MISSING;
  const open = [...repository.pulls.values()].filter(({ state }) => state === "open");
  // Lists do not say whether a pull request was merged, but when.
  const bodies = open.map((pull) => ({ ...toPullBody(repository, pull), merged: undefined }));
  return toPage(url, bodies);
}

/** Follows "Get a reference", GitHub Docs. */
function findRef({ repositories, held }: State, { groups }: RouteInput): Answer {
  const ref = `refs/${decodeURIComponent(groups["ref"] ?? "")}`;
  const sha = (held.repositories ?? repositories).get(groups["repo"] ?? "")?.refs.get(ref);
  return toAnswer(sha && { ref, object: { type: "commit", sha } });
}

function findPull({ repositories, held }: State, { groups }: RouteInput): Answer {
  const repository = (held.repositories ?? repositories).get(groups["repo"] ?? "");
  const pull = repository?.pulls.get(Number(groups["number"]));
  return toAnswer(repository && pull && toPullBody(repository, pull));
}

function toOwnRepository(repository: SimRepository): Described<"repository"> {
  return { ...toRepositoryBody(repository), archived: false, permissions: WRITE };
}

/** Roles that `permission` does not know. Source: "Get repository permissions for a user", REST API, GitHub Docs. */
const LEGACY = new Map([
  ["maintain", "write"],
  ["triage", "read"],
]);
const BASIC = ["none", "read", "write", "admin"];

function toPermissions(settings: HostSimSettings): Described<"repository-collaborator-permission"> {
  const { permission: role, basePermission } = settings;
  return { permission: LEGACY.get(role) ?? (BASIC.includes(role) ? role : basePermission), role_name: role };
}

/** GitHub redirects to another host, by an address that needs no token for five minutes. Source: "Repositories", REST API. */
const ARCHIVES = "/archives/";

function answerArchive({ repositories }: State, url: URL): Answer {
  const [repository = "", commit = ""] = url.pathname.slice(ARCHIVES.length).split("@");
  return toAnswer(repositories.get(repository)?.archives.get(commit));
}

async function answerRequest(state: SimState, request: Request, url: URL): Promise<Answer> {
  const registered = await state.manifests(request.method, url, () => request.text());
  if (registered !== undefined) return registered;
  if (url.pathname.startsWith(ARCHIVES)) return answerArchive(state, url);
  const moved = findMoved(state, request, url);
  if (moved !== undefined) return moved;
  const [, credential = ""] = (request.headers.get("authorization") ?? "").split(" ");
  const token = state.tokens.get(credential);
  if (token === undefined && !isSignedByApp(credential)) return { status: 401, body: { message: "Bad credentials" } };
  const found = findRoute(state, request, url, token === undefined ? "app" : undefined);
  if (found === undefined) return MISSING;
  const { route, groups } = found;
  const refusal = token && findRefusal(state, token, { route, repo: groups["repo"] });
  if (refusal !== undefined) return refusal;
  return route.answer(state, { url, groups, body: await readBody(request), login: token?.login });
}

/** GitHub redirects the former name of a repository to its number. Source: "Best practices" (redirects), REST API. */
function findMoved({ repositories, former }: State, { method }: Request, url: URL): Answer | undefined {
  const [, name = "", rest = ""] = /^\/repos\/([^/]+\/[^/]+)(.*)$/.exec(toPath(url)) ?? [];
  const id = repositories.has(name) ? undefined : former.get(name);
  if (id === undefined) return undefined;
  const location = `${url.origin}${PREFIX}/repositories/${id}${rest}${url.search}`;
  return { status: method === "GET" ? 301 : 307, body: { message: "Moved Permanently", url: location }, location };
}

/** Returns the path with the present name of a repository in place of its number. */
function toNamedPath({ repositories }: State, url: URL): string {
  if (!url.pathname.startsWith(PREFIX)) return "";
  return toPath(url).replace(/^\/repositories\/(\d+)/, (path, id: string) => {
    const found = [...repositories.values()].find((each) => String(each.id) === id);
    return found === undefined ? path : `/repos/${found.fullName}`;
  });
}

function findRoute(state: State, { method }: Request, url: URL, credential: Route["credential"]) {
  const path = toNamedPath(state, url);
  for (const route of ROUTES) {
    const match = route.method === method && route.credential === credential ? route.path.exec(path) : null;
    if (match !== null) return { route, groups: match.groups ?? {} };
  }
  return undefined;
}

const REFUSED: Answer = { status: 403, body: { message: "Resource not accessible by integration" } };

interface Tried {
  readonly route: Route;
  readonly repo: string | undefined;
}

/** Returns why a token, which may be limited to repositories and permissions, does not allow a request. */
function findRefusal({ repositories }: SimState, token: Token, { route, repo }: Tried): Answer | undefined {
  if (!isAllowed(token, route)) return REFUSED;
  const id = repositories.get(repo ?? "")?.id;
  if (id === undefined || token.repositoryIds === undefined || token.repositoryIds.includes(id)) return undefined;
  // Source: "Troubleshooting the REST API" (404 for a private repository), GitHub Docs.
  return route.method === "GET" ? MISSING : REFUSED;
}

function isAllowed({ login, permissions }: Token, { right, reads }: Route): boolean {
  // Source: "Create a check run", GitHub Docs: only Apps may.
  if (login !== undefined && right === "checks") return false;
  if (permissions === undefined) return true;
  if (reads !== undefined && permissions[reads] === undefined) return false;
  return right === undefined || permissions[right] === "write";
}

function isSignedByApp(token: string): boolean {
  const [head, body, signature] = token.split(".");
  if (body === undefined || signature === undefined) return false;
  const isSigned = verify("RSA-SHA256", Buffer.from(`${head}.${body}`), publicKey, Buffer.from(signature, "base64url"));
  if (!isSigned) return false;
  const { iss, iat, exp } = JSON.parse(Buffer.from(body, "base64url").toString());
  const now = Date.now() / 1_000;
  return String(iss) === String(APP_ID) && iat <= now && exp > now && exp - now <= LONGEST_JWT_SECONDS;
}

/** Follows "Create an installation access token for an app", GitHub Docs. */
function createToken({ settings, tokens, repositories }: State, { body }: RouteInput): Answer {
  if (!settings.isInstalled) return MISSING;
  const permissions = body["permissions"] as Token["permissions"];
  const missing = Object.keys(permissions ?? {}).find((right) => settings.missingRights.includes(right));
  if (missing !== undefined) {
    const message = "The permissions requested are not granted to this installation.";
    return { status: 422, body: { message } };
  }
  const names = body["repositories"] as readonly string[] | undefined;
  const named = [...repositories.values()].filter(({ fullName }) => names?.includes(fullName.split("/")[1] ?? ""));
  if (named.length < (names?.length ?? 0)) {
    return { status: 422, body: { message: "There is at least one repository that does not exist." } };
  }
  const token = `ghs_${randomUUID()}`;
  tokens.set(token, {
    repositoryIds: (names && named.map(({ id }) => id)) ?? (body["repository_ids"] as Token["repositoryIds"]),
    permissions,
    login: undefined,
  });
  const expires_at = new Date(Date.now() + TOKEN_MS).toISOString();
  const created: Described<"installation-token"> = { token, expires_at, permissions, repository_selection: "selected" };
  return { status: 201, body: created };
}
