import { createHash } from "node:crypto";
import { cutText, defined, keepStart } from "@stackyard/core";
import { type Static, Type } from "typebox";
import type {
  DeploymentState,
  DeploymentSubject,
  HostCheck,
  HostDeployment,
  HostReaction,
  PullPlace,
  ReportHost,
} from "../report/report-host.ts";
import { type GitLabClient, parse, toProjectPath } from "./gitlab-client.ts";

const Created = Type.Object({ id: Type.Integer({ minimum: 0 }) });
const Shown = Type.Object({ id: Type.Integer() });
const Notes = Type.Object({
  id: Type.Integer({ minimum: 0 }),
  body: Type.String(),
  author: Type.Object({ id: Type.Integer() }),
});
const Status = Type.Object({
  id: Type.Integer({ minimum: 0 }),
  status: Type.String(),
  description: Type.Union([Type.String(), Type.Null()]),
});
const Environment = Type.Object({
  id: Type.Integer({ minimum: 0 }),
  external_url: Type.Optional(Type.Union([Type.String(), Type.Null()])),
});
const Deployment = Type.Object({
  id: Type.Integer({ minimum: 0 }),
  status: Type.String(),
  sha: Type.String(),
  environment: Environment,
});
type Deployment = Static<typeof Deployment>;

/** The maximum length of URLs, descriptions and names. Source: "Commits API" and "Environments API", GitLab Docs. */
const MAX_TEXT = 255;
const MAX_STACK = 200;

const EMOJIS: Readonly<Record<HostReaction, string>> = { "+1": "thumbsup", confused: "confused" };

/** Creates the writer of reports. The token's user is their author. */
export function createGitLabReports(client: GitLabClient): ReportHost {
  let ownId: number | undefined;

  async function findOwnId(): Promise<number> {
    ownId ??= (await client.write(Created, { path: "/user" })).id;
    return ownId;
  }

  return {
    ...createStatuses(client),
    ...createDeployments(client),
    // Limits of GitLab are counted by user.
    findBudget: async () => "token",
    async listOwnComments(place) {
      const own = await findOwnId();
      const notes = await client.requireList(Notes, `${toMergePath(place)}/notes?sort=asc&order_by=created_at`);
      return notes.filter(({ author }) => author.id === own).map(({ id, body }) => ({ id, body }));
    },
    async createComment(place, body) {
      const path = `${toMergePath(place)}/notes`;
      return (await client.write(Created, { method: "POST", path, body: { body: toNote(body) } })).id;
    },
    async updateComment(place, id, body) {
      const path = `${toMergePath(place)}/notes/${id}`;
      return (await client.send({ method: "PUT", path, body: { body: toNote(body) } })) !== undefined;
    },
    async deleteComment(place, id) {
      await client.send({ method: "DELETE", path: `${toMergePath(place)}/notes/${id}` });
    },
    async react(place, id, reaction) {
      // GitLab answers 404 also when the user has given this reaction already.
      const path = `${toMergePath(place)}/notes/${id}/award_emoji`;
      await client.send({ method: "POST", path, body: { name: EMOJIS[reaction] } });
    },
  };
}

function toMergePath({ repository, number }: PullPlace): string {
  return `${toProjectPath(repository.id)}/merge_requests/${number}`;
}

/**
 * Escapes lines such as `/close` by a space: older versions of GitLab execute them even in a longer code fence. Source:
 * `Gitlab::QuickActions::Extractor`.
 */
function toNote(markdown: string): string {
  return markdown.replace(/^\//gm, " /");
}

/** Converts a check. Open ones are `running`: a status cannot leave its last state or change its description. */
function toStatus({ conclusion, title }: HostCheck): { readonly state: string; readonly description: string } {
  if (conclusion === undefined) return { state: "running", description: "The preview is not ready yet" };
  const description = cutText(title, MAX_TEXT);
  if (conclusion === "neutral") return { state: "pending", description };
  if (conclusion === "cancelled") return { state: "canceled", description };
  return { state: conclusion === "failure" ? "failed" : "success", description };
}

function createStatuses(
  client: GitLabClient,
): Pick<ReportHost, "countsByName" | "findCheck" | "createCheck" | "updateCheck"> {
  async function write({ repository }: PullPlace, check: HostCheck): Promise<number> {
    const { state, description } = toStatus(check);
    const name = keepStart(check.name, MAX_TEXT);
    const project = toProjectPath(repository.id);
    const query = new URLSearchParams({ name });
    const known = (await client.list(Status, `${project}/repository/commits/${check.head}/statuses?${query}`)) ?? [];
    const newest = known.toSorted((one, other) => other.id - one.id)[0];
    // GitLab refuses a state that a status has already.
    if (newest?.status === state && newest.description === description) return newest.id;
    const url = check.url !== undefined && check.url.length <= MAX_TEXT ? check.url : undefined;
    const body = { state, name, description, ...defined({ target_url: url }) };
    const response = await client.send({ method: "POST", path: `${project}/statuses/${check.head}`, body });
    if (response !== undefined) return parse(Created, await response.json()).id;
    // The head of a fork is on no branch of this project, and has no statuses. A project that is not shown says nothing.
    await client.write(Shown, { path: project });
    return 0;
  }

  return {
    countsByName: true,
    findCheck: async () => undefined,
    createCheck: write,
    async updateCheck(place, _, check) {
      await write(place, check);
      return true;
    },
  };
}

const STATUSES: Readonly<Record<DeploymentState, "running" | "success" | "failed" | "canceled">> = {
  pending: "running",
  in_progress: "running",
  success: "success",
  failure: "failed",
  inactive: "canceled",
  replaced: "canceled",
};

function createDeployments(
  client: GitLabClient,
): Pick<ReportHost, "findDeployment" | "createDeployment" | "setDeployment"> {
  async function loadEnvironment(project: string, name: string): Promise<number> {
    const [found] = (await client.list(Environment, `${project}/environments?${new URLSearchParams({ name })}`)) ?? [];
    if (found !== undefined) return found.id;
    // Otherwise GitLab guesses the tier from the name, and a production environment may be protected.
    const body = { name, tier: "development" };
    return (await client.write(Created, { method: "POST", path: `${project}/environments`, body })).id;
  }

  /** Removes the environment with all its deployments. */
  async function end(project: string, { environment }: Deployment): Promise<void> {
    const path = `${project}/environments/${environment.id}`;
    await client.send({ method: "POST", path: `${path}/stop`, body: { force: true } });
    await client.send({ method: "DELETE", path });
  }

  async function set(project: string, { id, status, environment }: Deployment, { state, url }: HostDeployment) {
    const wanted = STATUSES[state];
    // An ended one does not run again, and a replaced one keeps its result.
    const isOpen = status === "running" || status === "created";
    if (status !== wanted && (isOpen || (wanted !== "running" && wanted !== "canceled"))) {
      await client.send({ method: "PUT", path: `${project}/deployments/${id}`, body: { status: wanted } });
    }
    const address = url ?? "";
    const isSame = address === (environment.external_url ?? "");
    if (state === "replaced" || isSame || address.length > MAX_TEXT) return;
    const path = `${project}/environments/${environment.id}`;
    await client.send({ method: "PUT", path, body: { external_url: address } });
  }

  return {
    async findDeployment({ repository }, subject) {
      const query = new URLSearchParams({ environment: toEnvironment(subject), order_by: "id", sort: "desc" });
      const path = `${toProjectPath(repository.id)}/deployments?${query}`;
      const found = await client.requireList(Deployment, path);
      return found.find(({ sha }) => sha === subject.head)?.id;
    },
    async createDeployment({ repository, number }, subject) {
      const project = toProjectPath(repository.id);
      const environment = toEnvironment(subject);
      await loadEnvironment(project, environment);
      // The project has the head under this name also when it comes from a fork.
      const ref = `refs/merge-requests/${number}/head`;
      const body = { environment, sha: subject.head, ref, tag: false, status: "running" };
      return (await client.write(Created, { method: "POST", path: `${project}/deployments`, body })).id;
    },
    async setDeployment({ repository }, id, deployment) {
      const project = toProjectPath(repository.id);
      const found = await client.read(Deployment, `${project}/deployments/${id}`);
      if (found === undefined) return false;
      await (deployment.state === "inactive" ? end(project, found) : set(project, found, deployment));
      return true;
    },
  };
}

/** Returns the environment of a stack and yard. GitLab allows letters, digits, spaces and some signs. */
function toEnvironment({ stackId, yardId }: DeploymentSubject): string {
  const digest = createHash("sha256").update(`${yardId}\0${stackId}`).digest("hex").slice(0, 8);
  return `preview/${stackId.replace(/[^a-zA-Z0-9_.-]/g, "-").slice(0, MAX_STACK)}-${digest}`;
}
