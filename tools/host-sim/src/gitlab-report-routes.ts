/** A note on a merge request. */
export interface SimNote {
  readonly id: number;
  readonly iid: number;
  readonly author: { readonly id: number; readonly username: string };
  readonly emojis: string[];
  body: string;
}

/** The status of a commit. One that has ended is followed by another with the same name. */
export interface SimStatus {
  readonly id: number;
  readonly sha: string;
  readonly name: string;
  status: string;
  description: string | null;
  target_url: string | null;
}

/** An environment of the project. */
export interface SimEnvironment {
  readonly id: number;
  readonly name: string;
  readonly tier: string;
  external_url: string | null;
  state: "available" | "stopped";
}

/** A deployment to one. */
export interface SimGitLabDeployment {
  readonly id: number;
  readonly environment: SimEnvironment;
  readonly sha: string;
  readonly ref: string;
  status: string;
}

/** What is said about merge requests and commits. Tests read it, and may change it as people do. */
export interface GitLabReports {
  readonly notes: SimNote[];
  readonly statuses: SimStatus[];
  readonly environments: SimEnvironment[];
  readonly deployments: SimGitLabDeployment[];
}

/** A request below the project. */
export interface GitLabRouteInput {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Its answer; a list is answered in pages. */
export interface GitLabRouteAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** The user of the token. */
export const GITLAB_BOT = { id: 900, username: "project_424242_bot_1" };

/** Source: "Notes API", "Commits API" and "Environments API", GitLab Docs. */
const MAX_NOTE = 1_000_000;
const MAX_TEXT = 255;
const ENVIRONMENT_NAME = /^[a-zA-Z0-9_/${}. -]+$/;

/** The answer about what does not exist. */
export const MISSING: GitLabRouteAnswer = { status: 404, body: { message: "404 Not found" } };
const toInvalid = (message: string): GitLabRouteAnswer => ({ status: 400, body: { message } });
const toOk = (body: unknown, status = 200): GitLabRouteAnswer => ({ status, body });

interface RouteState {
  readonly reports: GitLabReports;
  readonly nextId: () => number;
  /** Returns whether the project has this merge request, and this commit on a branch. */
  hasMerge(iid: number): boolean;
  hasCommit(sha: string): boolean;
}

/** Answers about notes, statuses, environments and deployments; undefined: the path is another one. */
export function answerReports(state: RouteState, input: GitLabRouteInput): GitLabRouteAnswer | undefined {
  const routes: readonly [RegExp, (ids: readonly string[]) => GitLabRouteAnswer][] = [
    [/^\/merge_requests\/(\d+)\/notes(?:\/(\d+))?(\/award_emoji)?$/, (ids) => answerNotes(state, input, ids)],
    [/^\/repository\/commits\/([0-9a-f]{40})\/statuses$/, ([sha = ""]) => listStatuses(state, sha, input)],
    [/^\/statuses\/([0-9a-f]{40})$/, ([sha = ""]) => setStatus(state, sha, input)],
    [/^\/environments(?:\/(\d+))?(\/stop)?$/, (ids) => answerEnvironments(state, input, ids)],
    [/^\/deployments(?:\/(\d+))?$/, ([id]) => answerDeployments(state, input, id)],
  ];
  for (const [pattern, answer] of routes) {
    const match = pattern.exec(input.path);
    if (match !== null) return answer(match.slice(1));
  }
  return undefined;
}

function answerNotes(
  { reports: { notes }, nextId, hasMerge }: RouteState,
  { method, body }: GitLabRouteInput,
  [iid, id, emoji]: readonly (string | undefined)[],
): GitLabRouteAnswer {
  const own = notes.filter((each) => each.iid === Number(iid));
  if (!hasMerge(Number(iid))) return MISSING;
  if (id === undefined && method === "GET") return toOk(own.map(toNoteBody));
  const text = String(body["body"] ?? "");
  if (text.length > MAX_NOTE) return toInvalid("Note is too long (maximum is 1000000 characters)");
  if (id === undefined) {
    const note: SimNote = { id: nextId(), iid: Number(iid), author: GITLAB_BOT, emojis: [], body: text };
    notes.push(note);
    return toOk(toNoteBody(note), 201);
  }
  const note = own.find((each) => each.id === Number(id));
  if (note === undefined) return MISSING;
  if (emoji !== undefined) return award(note, String(body["name"]));
  if (method === "DELETE") {
    notes.splice(notes.indexOf(note), 1);
    return { status: 204, body: undefined };
  }
  note.body = text;
  return toOk(toNoteBody(note));
}

function toNoteBody({ id, body, author, iid }: SimNote) {
  return { id, body, author, system: false, noteable_type: "MergeRequest", noteable_iid: iid, type: null };
}

function award({ emojis }: SimNote, name: string): GitLabRouteAnswer {
  if (emojis.includes(name)) return MISSING;
  emojis.push(name);
  return toOk({ id: 1, name, user: GITLAB_BOT }, 201);
}

function listStatuses({ reports: { statuses } }: RouteState, sha: string, { query }: GitLabRouteInput) {
  const own = statuses.filter((each) => each.sha === sha && each.name === query.get("name"));
  return toOk(own.slice(-1));
}

const MACHINE: Readonly<Record<string, readonly string[]>> = {
  pending: ["created"],
  running: ["created", "pending"],
  success: ["created", "pending", "running"],
  failed: ["created", "pending", "running"],
  canceled: ["created", "pending", "running"],
};

/** Follows "Set the pipeline status of a commit", GitLab Docs, and `Ci::CreateCommitStatusService`. */
function setStatus(
  { reports: { statuses }, nextId, hasCommit }: RouteState,
  sha: string,
  { body }: GitLabRouteInput,
): GitLabRouteAnswer {
  if (!hasCommit(sha)) return { status: 404, body: { message: "404 References for commit Not Found" } };
  const name = String(body["name"] ?? "default");
  const state = String(body["state"]);
  const { description = null, target_url = null } = body as Partial<SimStatus>;
  const tooLong = [name, description ?? "", target_url ?? ""].some((text) => text.length > MAX_TEXT);
  if (tooLong || MACHINE[state] === undefined) return toInvalid("is too long (maximum is 255 characters)");
  const isOpen = ({ status }: SimStatus) => status === "pending" || status === "running";
  const open = statuses.find((each) => each.sha === sha && each.name === name && isOpen(each));
  if (MACHINE[state]?.includes(open?.status ?? "created") !== true) {
    return toInvalid(`Cannot transition status via :event from :${open?.status}`);
  }
  const status: SimStatus = open ?? { id: nextId(), sha, name, status: state, description, target_url };
  if (open === undefined) statuses.push(status);
  Object.assign(status, { status: state, description, target_url });
  return toOk(status, 201);
}

function answerEnvironments(
  state: RouteState,
  { method, query, body }: GitLabRouteInput,
  [id, stop]: readonly (string | undefined)[],
): GitLabRouteAnswer {
  const { environments } = state.reports;
  if (id === undefined && method === "GET") {
    return toOk(environments.filter(({ name }) => name === query.get("name")));
  }
  const url = (body["external_url"] as string | undefined) || null;
  if ((url?.length ?? 0) > MAX_TEXT) return toInvalid("External url is too long (maximum is 255 characters)");
  if (id === undefined) return createEnvironment(state, body, url);
  const found = environments.find((each) => each.id === Number(id));
  if (found === undefined) return MISSING;
  if (method === "DELETE") return removeEnvironment(state, found);
  if (stop !== undefined) found.state = "stopped";
  else found.external_url = url;
  return toOk(found);
}

function createEnvironment(
  { reports: { environments }, nextId }: RouteState,
  body: GitLabRouteInput["body"],
  url: string | null,
): GitLabRouteAnswer {
  const name = String(body["name"]);
  const isFit = name.length <= MAX_TEXT && ENVIRONMENT_NAME.test(name) && !/^\/|\/$/.test(name);
  if (!isFit || environments.some((each) => each.name === name)) return toInvalid("Name is invalid");
  const tier = String(body["tier"] ?? "other");
  const created: SimEnvironment = { id: nextId(), name, tier, external_url: url, state: "available" };
  environments.push(created);
  return toOk(created, 201);
}

function removeEnvironment(
  { reports: { environments, deployments } }: RouteState,
  found: SimEnvironment,
): GitLabRouteAnswer {
  if (found.state !== "stopped") return { status: 403, body: { message: "403 Forbidden" } };
  environments.splice(environments.indexOf(found), 1);
  const kept = deployments.filter(({ environment }) => environment !== found);
  deployments.splice(0, deployments.length, ...kept);
  return { status: 204, body: undefined };
}

function answerDeployments(
  { reports: { environments, deployments }, nextId }: RouteState,
  { method, query, body }: GitLabRouteInput,
  id: string | undefined,
): GitLabRouteAnswer {
  if (id === undefined && method === "GET") {
    return toOk(deployments.filter(({ environment }) => environment.name === query.get("environment")).toReversed());
  }
  const status = String(body["status"]);
  if (id === undefined) {
    const environment = environments.find(({ name }) => name === body["environment"]);
    if (environment === undefined) return toInvalid("The simulation guesses no tiers: create the environment first");
    const [sha, ref] = [String(body["sha"]), String(body["ref"])];
    const created: SimGitLabDeployment = { id: nextId(), environment, sha, ref, status };
    deployments.push(created);
    return toOk(created, 201);
  }
  const found = deployments.find((each) => each.id === Number(id));
  if (found === undefined) return MISSING;
  if (method === "GET") return toOk(found);
  if (status === found.status || (status === "running" && found.status !== "created")) {
    return toInvalid(`Status cannot transition via "${status}"`);
  }
  found.status = status;
  return toOk(found);
}
