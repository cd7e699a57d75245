import { Webhook } from "standardwebhooks";
import { compareSimCommits, type SimCommit } from "./commit-graph.ts";
import type { Receiver } from "./deliveries.ts";
import { answerHooks, type HookOwner, type SimHookEvent } from "./gitlab-hook-routes.ts";
import {
  answerReports,
  GITLAB_BOT,
  type GitLabReports,
  type GitLabRouteAnswer,
  MISSING,
} from "./gitlab-report-routes.ts";
import { type Answerer, createMemoryFetch, type Intercept, readBody, serve, toOperation } from "./server.ts";

/** The token of the API of every simulated GitLab. */
export const GITLAB_TOKEN = "glpat-of-the-tests";

/** What a simulation is given. */
export interface GitLabSimInput {
  /** Of the webhook: signs as a signing token does when it begins with `whsec_`, else it is `X-Gitlab-Token`. */
  readonly secret: string;
  readonly now: () => number;
}

/** What a test says of a merge request. */
export interface MergeInput {
  readonly head?: string;
  readonly fork?: boolean;
  readonly labels?: readonly string[];
  readonly title?: string;
}

/** A GitLab with one project, `acme/shop` at first, below a path as self-managed ones may be. */
export interface GitLabSim {
  readonly url: string;
  /** Reaches it without a connection; other addresses are unknown. */
  readonly fetch: typeof fetch;
  /** Methods and paths with queries, since the start. */
  readonly requests: readonly string[];
  readonly reports: GitLabReports;
  /** What can be compared. */
  readonly commits: SimCommit[];
  readonly settings: {
    receiver: Receiver | undefined;
    /** Status of answers of the API, by method and path with query. `afterDoing`: the request is carried out before. */
    fault: ((method: string, path: string) => GitLabFault | undefined) | undefined;
    /** Changes the bodies of answers, by the path with query of their request. */
    changeAnswer: ((path: string, body: unknown) => unknown) | undefined;
    /** Of octocat in the project. */
    accessLevel: number;
    /** Of the token's user in the project: what it may list. */
    tokenLevel: number;
    /** Of the token's user in the group of the project; 0: no member. */
    groupLevel: number;
    /** Where the webhook of the yard is. */
    hookOwner: HookOwner;
    /** Deliveries do not reach the receiver. */
    isLosing: boolean;
    /** Meets each request before the others of these settings do. */
    intercept: Intercept | undefined;
  };
  /** Returns its number. */
  openMerge(input?: MergeInput): Promise<number>;
  push(iid: number, head: string): Promise<void>;
  label(iid: number, labels: readonly string[]): Promise<void>;
  close(iid: number, state?: "closed" | "merged"): Promise<void>;
  /** Comments as octocat. */
  note(iid: number, text: string): Promise<void>;
  /** Gives the project another name, such as `acme/store`. */
  move(name: string): void;
  /** Moves a branch, or deletes it without a commit, and sends the push. */
  pushBranch(name: string, after: string | undefined): Promise<void>;
  stop(): Promise<void>;
}

/** How a request fails. */
export interface GitLabFault {
  readonly status: number;
  readonly afterDoing?: boolean;
}

interface Merge {
  readonly iid: number;
  readonly fork: boolean;
  /** Earlier heads. */
  readonly past: string[];
  title: string;
  head: string;
  state: string;
  labels: readonly string[];
  updatedAt: number;
}

const PREFIX = "/gitlab/api/v4";
/** What follows the place of a project in a path. */
const PROJECT_ITSELF = "/";
const PROJECT = { id: 424_242, path_with_namespace: "acme/shop", web_url: "https://gitlab.example.org/acme/shop" };
const GROUP = { id: 77, full_path: "acme" };
const USER = { id: 583_231, name: "The Octocat", username: "octocat", email: "octocat@example.org" };
/** Source: "REST API: pagination", GitLab Docs. */
const DEFAULT_PER_PAGE = 20;
const MOST_PER_PAGE = 100;

/** Creates one that only `fetch` of it reaches. */
export function createGitLabSim(input: GitLabSimInput): GitLabSim {
  const origin = "http://gitlab.test";
  const { sim, answer } = createSim(input);
  return { ...sim, url: `${origin}/gitlab`, fetch: createMemoryFetch(origin, answer), stop: async () => undefined };
}

/** Starts one over HTTP on a free port. */
export async function startGitLabSim(input: GitLabSimInput): Promise<GitLabSim> {
  const { sim, answer } = createSim(input);
  const { url, stop } = await serve(answer);
  return { ...sim, url: `${url}/gitlab`, fetch: createMemoryFetch(url, answer), stop };
}

const SETTINGS: GitLabSim["settings"] = {
  receiver: undefined,
  fault: undefined,
  changeAnswer: undefined,
  accessLevel: 30,
  tokenLevel: 40,
  groupLevel: 0,
  hookOwner: "project",
  isLosing: false,
  intercept: undefined,
};

function createSim({ secret, now }: GitLabSimInput) {
  const requests: string[] = [];
  const merges: Merge[] = [];
  const settings = { ...SETTINGS };
  const reports: GitLabReports = { notes: [], statuses: [], environments: [], deployments: [] };
  const events: SimHookEvent[] = [];
  const commits: SimCommit[] = [];
  const branches = new Map<string, string>();
  /** Of the project, the present one last. */
  const names = [PROJECT.path_with_namespace];
  const toText = (body: unknown): string =>
    JSON.stringify(body)?.replaceAll(PROJECT.path_with_namespace, names.at(-1) ?? "");
  let deliveries = 0;
  let ids = 0;
  const nextId = (): number => ++ids;

  async function deliver(event: string, body: unknown): Promise<void> {
    deliveries += 1;
    const text = toText(body);
    const headers = toHeaders(secret, { event, id: `delivery-${deliveries}`, text });
    const { receiver, isLosing } = settings;
    const status = isLosing ? undefined : await receiver?.({ headers, body: text }).catch(() => undefined);
    events.push({ id: 7_000 + deliveries, headers, body: JSON.parse(text), status, at: now() });
  }

  async function change(iid: number, change: Partial<Merge>, attributes: Record<string, unknown>): Promise<void> {
    const merge = merges.find((each) => each.iid === iid);
    if (merge === undefined) throw new Error(`The project has no merge request ${iid}.`);
    const previous = merge.labels;
    merge.past.push(merge.head);
    Object.assign(merge, change, { updatedAt: now() });
    await deliver("Merge Request Hook", toMergeBody(merge, attributes, previous));
  }

  async function respond(request: Request, path: string): Promise<Response> {
    const sent = await readBody(request);
    const state = { merges, settings, events, commits, branches, reports, nextId, sent, names, now: now() };
    const { status, body, headers } = toFaultOrAnswer(request, path, state);
    const change = settings.changeAnswer ?? ((_: string, own: unknown) => own);
    const text = toText(change(path, body));
    const isEmpty = status === 204 || text === undefined;
    return new Response(isEmpty ? null : text, { status, headers: { "content-type": "application/json", ...headers } });
  }

  const answer: Answerer = async (request) => {
    const { pathname, search } = new URL(request.url);
    requests.push(`${request.method} ${pathname}${search}`);
    const proceed = () => respond(request.clone(), `${pathname}${search}`);
    const operation = toOperation(request.method, pathname.replace(PREFIX, ""));
    return settings.intercept === undefined ? proceed() : settings.intercept({ operation, request }, proceed);
  };
  const sim: Omit<GitLabSim, "url" | "fetch" | "stop"> = {
    requests,
    reports,
    commits,
    settings,
    async openMerge({ head = "1".repeat(40), fork = false, labels = ["preview"], title = "Add a cart" } = {}) {
      const iid = merges.length + 1;
      merges.push({ iid, fork, past: [], labels, title, head, state: "opened", updatedAt: now() });
      await change(iid, {}, { action: "open" });
      return iid;
    },
    push: (iid, head) => change(iid, { head }, { action: "update", oldrev: "9".repeat(40) }),
    label: (iid, labels) => change(iid, { labels }, { action: "update" }),
    close: (iid, state = "closed") => change(iid, { state }, { action: state === "merged" ? "merge" : "close" }),
    async note(iid, text) {
      const id = nextId();
      reports.notes.push({ id, iid, author: USER, emojis: [], body: text });
      await deliver("Note Hook", toNoteBody({ id, iid, text, at: now() }));
    },
    move: (name) => void names.push(name),
    async pushBranch(name, after) {
      if (after === undefined) branches.delete(name);
      else branches.set(name, after);
      await deliver("Push Hook", toPushBody(name, after ?? "0".repeat(40)));
    },
  };
  return { sim, answer };
}

/** Follows "Webhooks", GitLab Docs: with a signing token the headers of Standard Webhooks are added. */
function toHeaders(secret: string, { event, id, text }: Record<"event" | "id" | "text", string>) {
  const headers = { "x-gitlab-event": event, "idempotency-key": id, "x-gitlab-event-uuid": `event-${id}` };
  if (!secret.startsWith("whsec_")) return { ...headers, "x-gitlab-token": secret };
  // Signatures end after five minutes of the real clock.
  const at = new Date();
  const timestamp = String(Math.floor(at.getTime() / 1_000));
  const signature = new Webhook(secret).sign(id, at, text);
  return { ...headers, "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature };
}

/** Follows "Webhook events: merge request events", GitLab Docs. */
function toMergeBody(merge: Merge, attributes: Record<string, unknown>, previous: readonly string[]) {
  const toLabels = (titles: readonly string[]) => titles.map((title, index) => ({ id: index + 1, title }));
  const changed = previous.join() !== merge.labels.join();
  return {
    object_kind: "merge_request",
    event_type: "merge_request",
    user: USER,
    project: PROJECT,
    labels: toLabels(merge.labels),
    changes: changed ? { labels: { previous: toLabels(previous), current: toLabels(merge.labels) } } : {},
    object_attributes: {
      id: 99,
      iid: merge.iid,
      title: merge.title,
      url: toUrl(merge),
      state: merge.state,
      draft: false,
      author_id: USER.id,
      source_branch: "cart",
      target_branch: "main",
      source_project_id: merge.fork ? 5 : PROJECT.id,
      target_project_id: PROJECT.id,
      last_commit: { id: merge.head },
      updated_at: new Date(merge.updatedAt).toISOString(),
      ...attributes,
    },
  };
}

/** Follows "Webhook events: push events", GitLab Docs. */
function toPushBody(branch: string, after: string) {
  const user = { user_id: USER.id, user_username: USER.username };
  return {
    object_kind: "push",
    ref: `refs/heads/${branch}`,
    before: "9".repeat(40),
    after,
    ...user,
    project: PROJECT,
  };
}

/** Follows "Webhook events: comment on a merge request", GitLab Docs. */
function toNoteBody({ id, iid, text, at }: Record<"id" | "iid" | "at", number> & { readonly text: string }) {
  return {
    object_kind: "note",
    event_type: "note",
    user: USER,
    project: PROJECT,
    object_attributes: {
      id,
      note: text,
      noteable_type: "MergeRequest",
      action: "create",
      system: false,
      created_at: new Date(at).toISOString(),
    },
    merge_request: { iid },
  };
}

function toUrl({ iid }: Merge): string {
  return `${PROJECT.web_url}/-/merge_requests/${iid}`;
}

interface State {
  readonly branches: ReadonlyMap<string, string>;
  readonly commits: readonly SimCommit[];
  readonly merges: readonly Merge[];
  readonly settings: GitLabSim["settings"];
  readonly events: readonly SimHookEvent[];
  readonly now: number;
  readonly reports: GitLabReports;
  readonly nextId: () => number;
  readonly sent: Readonly<Record<string, unknown>>;
  /** Of the project, the present one last. */
  readonly names: readonly string[];
}

interface Answer extends GitLabRouteAnswer {
  readonly headers?: Readonly<Record<string, string>>;
}

function toFaultOrAnswer(request: Request, path: string, state: State): Answer {
  const fault = state.settings.fault?.(request.method, path);
  if (fault === undefined || fault.afterDoing === true) {
    const answer = toAnswer(request, state);
    if (fault === undefined) return answer;
  }
  return { status: fault.status, body: {}, headers: { "retry-after": "30" } };
}

function listItems(
  inside: string,
  query: URLSearchParams,
  { merges, settings, commits }: State,
): readonly unknown[] | undefined {
  if (inside === "/repository/commits") return listRange(commits, query.get("ref_name") ?? "");
  if (inside === "/members/all") {
    const other = { ...USER, id: 1, username: "octocat-2", access_level: 50 };
    return [{ ...USER, access_level: settings.accessLevel }, other];
  }
  if (inside !== "/merge_requests") return undefined;
  const wanted = query.get("state");
  return merges.filter(({ state }) => wanted === null || state === wanted).map(toMerge);
}

/** Follows "Commits API", GitLab Docs: a revision range, the newest first; undefined where a commit is unknown. */
function listRange(commits: readonly SimCommit[], range: string): readonly unknown[] | undefined {
  const [before = "", now = ""] = range.split("..");
  const found = compareSimCommits(commits, before, now);
  return found?.onlyNow.toReversed().map(({ id, message, author = "The Octocat", at = "2026-01-01T00:00:00Z" }) => ({
    id,
    title: message.split("\n", 1)[0],
    author_name: author,
    authored_date: at,
    web_url: `${PROJECT.web_url}/-/commit/${id}`,
  }));
}

function toAnswer(request: Request, state: State): Answer {
  const { pathname, searchParams } = new URL(request.url);
  if (request.headers.get("authorization") !== `Bearer ${GITLAB_TOKEN}`)
    return { status: 401, body: { message: "401" } };
  const path = pathname.startsWith(PREFIX) ? pathname.slice(PREFIX.length) : "";
  if (path === "/user") return { status: 200, body: GITLAB_BOT };
  if (path === "/projects") return toPage(searchParams, [PROJECT]);
  const [, place = "", own = PROJECT_ITSELF] = /^\/projects\/([^/]+)(\/.*)?$/.exec(path) ?? [];
  const name = decodeURIComponent(place);
  if (state.names.slice(0, -1).includes(name)) return toMoved(request, place);
  const inside = place === String(PROJECT.id) || name === state.names.at(-1) ? own : "";
  const listed = listItems(inside, searchParams, state);
  if (listed !== undefined) return toPage(searchParams, listed);
  const { settings, events, now } = state;
  const hooks = { events, owner: settings.hookOwner, now };
  const answer =
    answerGroup(path, searchParams, state) ??
    answerHooks({ ...hooks, of: "project", role: settings.tokenLevel }, inside, searchParams) ??
    answerMerges(request, { path: inside, query: searchParams }, state);
  return answer.status === 200 && Array.isArray(answer.body) ? toPage(searchParams, answer.body) : answer;
}

/** Follows the redirects of "REST API", GitLab Docs. */
function toMoved({ method, url }: Request, place: string): Answer {
  if (method === "GET") {
    const location = url.replace(`/projects/${place}`, `/projects/${PROJECT.id}`);
    return { status: 301, body: { message: "This resource has been moved permanently" }, headers: { location } };
  }
  return { status: 405, body: { message: "Non GET methods are not allowed for moved projects" } };
}

/** Sources: "Groups API" (`min_access_level`) and "Group webhooks API", GitLab Docs. */
function answerGroup(path: string, query: URLSearchParams, { settings, events, now }: State): Answer | undefined {
  const { groupLevel, hookOwner } = settings;
  if (path === "/groups") {
    return { status: 200, body: groupLevel >= Number(query.get("min_access_level") ?? 1) ? [GROUP] : [] };
  }
  const inside = /^\/groups\/77(\/.*)$/.exec(path)?.[1] ?? "";
  return answerHooks({ events, owner: hookOwner, now, of: "group", role: groupLevel }, inside, query);
}

function answerMerges(
  { method }: Request,
  { path, query }: { readonly path: string; readonly query: URLSearchParams },
  { merges, branches, reports, nextId, sent }: State,
): Answer {
  const reporting = {
    reports,
    nextId,
    hasMerge: (number: number) => merges.some(({ iid }) => iid === number),
    // Of forks only the merge request knows the head.
    hasCommit: (sha: string) => merges.some(({ head, fork, past }) => !fork && (head === sha || past.includes(sha))),
  };
  const answer = answerReports(reporting, { method, path, query, body: sent });
  if (answer !== undefined) return answer;
  if (path === PROJECT_ITSELF) return { status: 200, body: PROJECT };
  // Follows "Get single repository branch", GitLab Docs.
  const branch = branches.get(decodeURIComponent(/^\/repository\/branches\/(.+)$/.exec(path)?.[1] ?? ""));
  if (branch !== undefined) return { status: 200, body: { commit: { id: branch } } };
  const merge = merges.find(({ iid }) => path === `/merge_requests/${iid}`);
  return merge === undefined ? MISSING : { status: 200, body: toMerge(merge) };
}

/** Follows "Merge requests API", GitLab Docs. */
function toMerge(merge: Merge) {
  const { iid, title, state, labels, head, fork, updatedAt } = merge;
  return {
    id: 99,
    iid,
    title,
    web_url: toUrl(merge),
    state,
    draft: false,
    labels,
    author: USER,
    sha: head,
    source_branch: "cart",
    target_branch: "main",
    source_project_id: fork ? 5 : PROJECT.id,
    target_project_id: PROJECT.id,
    updated_at: new Date(updatedAt).toISOString(),
  };
}

function toPage(query: URLSearchParams, items: readonly unknown[]): Answer {
  const size = Math.min(MOST_PER_PAGE, Number(query.get("per_page") ?? DEFAULT_PER_PAGE));
  const page = Number(query.get("page") ?? 1);
  const next = items.length > page * size ? String(page + 1) : "";
  return { status: 200, body: items.slice((page - 1) * size, page * size), headers: { "x-next-page": next } };
}
