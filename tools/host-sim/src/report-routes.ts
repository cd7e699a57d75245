import { toUser } from "./bodies.ts";
import type { Described } from "./described.ts";
import type { SimCheck, SimComment, SimDeployment } from "./reports.ts";
import { type Answer, MISSING, REPO, type Route, type RouteInput, type State, toPage } from "./route.ts";

/** Source: "Create an issue comment", GitHub Docs; longer ones get 422. */
const MAX_COMMENT = 65_536;
/** Source: "Create a check run", GitHub Docs. */
const MAX_SUMMARY = 65_535;
const MOST_ACTIONS = 3;
const MAX_LABEL = 20;
const MAX_DESCRIPTION = 40;

const INVALID: Answer = { status: 422, body: { message: "Validation Failed" } };

function toCommentBody({ id, body, login, appId, repository, number }: SimComment): Described<"issue-comment"> {
  const html_url = `https://github.com/${repository}/pull/${number}#issuecomment-${id}`;
  return {
    id,
    body,
    html_url,
    user: toUser(login),
    performed_via_github_app: appId === undefined ? null : { id: appId },
  };
}

// What a request said comes back as it was, where the description has the same name for it.
function toCheckBody({ id, set }: SimCheck): Described<"check-run"> {
  const { name, head_sha, external_id, details_url, status, conclusion } = set as Described<"check-run">;
  return { id, name, head_sha, external_id, details_url, status, conclusion };
}

function toStatusBody({ id, set }: SimCheck): Described<"status"> {
  const { state, context, description, target_url } = set as Described<"status">;
  return { id, state, context, description, target_url };
}

function toDeploymentBody({ id, set }: SimDeployment): Described<"deployment"> {
  const { ref, payload = {}, environment } = set as Described<"deployment">;
  return { id, sha: ref, ref, payload, environment };
}

function toDeploymentStatusBody({ statuses }: SimDeployment): Described<"deployment-status"> {
  const { state } = statuses.at(-1) as Described<"deployment-status">;
  return { id: statuses.length, state };
}

function toReactionBody(content: unknown): Described<"reaction"> {
  return { id: 1, content: content as Described<"reaction">["content"] };
}

function findComment({ reports }: State, { repo, id }: RouteInput["groups"]): SimComment | undefined {
  return reports.comments.find((comment) => comment.id === Number(id) && comment.repository === repo);
}

function isCheck({ output, actions = [] }: SimCheck["set"]): boolean {
  const { summary = "", text = "" } = (output ?? {}) as Readonly<Record<string, string>>;
  const buttons = actions as readonly Record<"label" | "description" | "identifier", string>[];
  const areFit = buttons.every(
    ({ label, description, identifier }) =>
      label.length <= MAX_LABEL && description.length <= MAX_DESCRIPTION && identifier.length <= MAX_LABEL,
  );
  return areFit && buttons.length <= MOST_ACTIONS && summary.length <= MAX_SUMMARY && text.length <= MAX_SUMMARY;
}

function listComments({ reports }: State, { url, groups }: RouteInput): Answer {
  const { repo, number } = groups;
  const own = reports.comments.filter((each) => each.repository === repo && each.number === Number(number));
  return toPage(url, own.map(toCommentBody));
}

function createComment({ reports, repositories }: State, { groups, body, login }: RouteInput): Answer {
  const { repo = "", number } = groups;
  const text = String(body["body"]);
  if (repositories.get(repo)?.pulls.has(Number(number)) !== true) return MISSING;
  if (text.length > MAX_COMMENT) return INVALID;
  const by = login === undefined ? {} : { login };
  const comment = reports.addComment({ repository: repo, number: Number(number), body: text, ...by });
  return { status: 201, body: toCommentBody(comment) };
}

function updateComment(state: State, { groups, body }: RouteInput): Answer {
  const comment = findComment(state, groups);
  if (comment === undefined) return MISSING;
  if (String(body["body"]).length > MAX_COMMENT) return INVALID;
  comment.body = String(body["body"]);
  return { status: 200, body: toCommentBody(comment) };
}

function deleteComment(state: State, { groups }: RouteInput): Answer {
  const comment = findComment(state, groups);
  if (comment === undefined) return MISSING;
  state.reports.removeComment(comment.id);
  return { status: 204, body: undefined };
}

function react(state: State, { groups, body }: RouteInput): Answer {
  const comment = findComment(state, groups);
  if (comment === undefined) return MISSING;
  const content = String(body["content"]);
  const isKnown = comment.reactions.includes(content);
  if (!isKnown) comment.reactions.push(content);
  return { status: isKnown ? 200 : 201, body: toReactionBody(content) };
}

function createCheck({ reports }: State, { groups, body }: RouteInput): Answer {
  if (!isCheck(body)) return INVALID;
  return { status: 201, body: toCheckBody(reports.addCheck(groups["repo"] ?? "", body)) };
}

function updateCheck({ reports }: State, { groups, body }: RouteInput): Answer {
  const check = reports.checks.find(({ id }) => id === Number(groups["id"]));
  if (check === undefined) return MISSING;
  if (!isCheck(body)) return INVALID;
  check.set = { ...check.set, ...body };
  return { status: 200, body: toCheckBody(check) };
}

function listChecks({ reports }: State, { url, groups }: RouteInput): Answer {
  const name = url.searchParams.get("check_name");
  const found = reports.checks.filter(
    ({ repository, set }) => repository === groups["repo"] && set["head_sha"] === groups["ref"] && set["name"] === name,
  );
  const { body, ...page } = toPage(url, found.map(toCheckBody));
  return { ...page, body: { total_count: found.length, check_runs: body } };
}

/** Source: "Create a commit status", GitHub Docs; longer ones get 422. */
const MAX_STATUS_DESCRIPTION = 140;

function createStatus({ reports }: State, { groups, body }: RouteInput): Answer {
  if (String(body["description"]).length > MAX_STATUS_DESCRIPTION) return INVALID;
  const status = reports.addStatus(groups["repo"] ?? "", { ...body, sha: groups["sha"] });
  return { status: 201, body: toStatusBody(status) };
}

function createDeployment({ reports }: State, { groups, body }: RouteInput): Answer {
  return { status: 201, body: toDeploymentBody(reports.addDeployment(groups["repo"] ?? "", body)) };
}

function listDeployments({ reports }: State, { url, groups }: RouteInput): Answer {
  const [sha, environment] = [url.searchParams.get("sha"), url.searchParams.get("environment")];
  const found = reports.deployments.filter(
    ({ repository, set }) => repository === groups["repo"] && set["ref"] === sha && set["environment"] === environment,
  );
  return toPage(url, found.map(toDeploymentBody).reverse());
}

function setDeploymentStatus({ reports }: State, { groups, body }: RouteInput): Answer {
  const deployment = reports.deployments.find(({ id }) => id === Number(groups["id"]));
  if (deployment === undefined) return MISSING;
  deployment.statuses.push(body);
  return { status: 201, body: toDeploymentStatusBody(deployment) };
}

const COMMENTS = new RegExp(`${REPO}/issues/(?<number>\\d+)/comments$`);
const COMMENT = new RegExp(`${REPO}/issues/comments/(?<id>\\d+)$`);
const REACTIONS = new RegExp(`${REPO}/issues/comments/(?<id>\\d+)/reactions$`);
const CHECKS = new RegExp(`${REPO}/check-runs$`);
const CHECK = new RegExp(`${REPO}/check-runs/(?<id>\\d+)$`);
const CHECKS_OF_COMMIT = new RegExp(`${REPO}/commits/(?<ref>[0-9a-f]{40})/check-runs$`);
const STATUSES = new RegExp(`${REPO}/statuses/(?<sha>[0-9a-f]{40})$`);
const DEPLOYMENTS = new RegExp(`${REPO}/deployments$`);
const DEPLOYMENT_STATUSES = new RegExp(`${REPO}/deployments/(?<id>\\d+)/statuses$`);

/** What an App may say about pull requests and commits. */
export const REPORT_ROUTES: readonly Route[] = [
  { method: "GET", path: COMMENTS, right: "pull_requests", answer: listComments },
  { method: "POST", path: COMMENTS, right: "pull_requests", answer: createComment },
  { method: "PATCH", path: COMMENT, right: "pull_requests", answer: updateComment },
  { method: "DELETE", path: COMMENT, right: "pull_requests", answer: deleteComment },
  { method: "POST", path: REACTIONS, right: "pull_requests", answer: react },
  { method: "POST", path: CHECKS, right: "checks", answer: createCheck },
  { method: "PATCH", path: CHECK, right: "checks", answer: updateCheck },
  { method: "GET", path: CHECKS_OF_COMMIT, right: "checks", answer: listChecks },
  { method: "POST", path: STATUSES, right: "statuses", answer: createStatus },
  { method: "POST", path: DEPLOYMENTS, right: "deployments", answer: createDeployment },
  { method: "GET", path: DEPLOYMENTS, right: "deployments", answer: listDeployments },
  { method: "POST", path: DEPLOYMENT_STATUSES, right: "deployments", answer: setDeploymentStatus },
];
