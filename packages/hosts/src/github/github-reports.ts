import { cutText, defined, isMap, parseJson, StackyardError } from "@stackyard/core";
import { Type } from "typebox";
import { Check } from "typebox/value";
import { readWarned, type WarnOfRows } from "../poll/read-rows.ts";
import type { DeploymentSubject, HostCheck, OwnComment, PullPlace, ReportHost } from "../report/report-host.ts";
import type { GitHubAccess } from "./github-access.ts";
import type { GitHubRight, RepositoryClient } from "./open-repository.ts";
import { toCheckId } from "./parse-delivery.ts";
import { hasNextPage, hasStatus } from "./request-outcome.ts";

const Comment = Type.Object({
  id: Type.Integer({ minimum: 0 }),
  body: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  user: Type.Optional(Type.Union([Type.Null(), Type.Object({ id: Type.Integer() })])),
  performed_via_github_app: Type.Optional(Type.Union([Type.Null(), Type.Object({ id: Type.Integer() })])),
});
const CheckRuns = Type.Object({ check_runs: Type.Unknown() });
const CheckRun = Type.Object({ id: Type.Integer({ minimum: 0 }) });
const Concluded = Type.Object({ conclusion: Type.String() });
// The payload is the object that was sent, or its text.
const Deployment = Type.Object({ id: Type.Integer({ minimum: 0 }), payload: Type.Unknown() });
const Created = Type.Object({ id: Type.Integer({ minimum: 0 }) });

/** The most pages of a pull request's comments: 10,000 comments. */
const MOST_PAGES = 100;

/** Creates the writer of reports. A comment on a pull request is one on an issue for GitHub. Only Apps may write checks. */
export function createGitHubReports(
  access: GitHubAccess,
  { appId, warn }: { readonly appId: number | undefined; readonly warn: WarnOfRows },
): ReportHost {
  const { write } = access;
  return {
    ...(appId === undefined ? createCommitStatuses(access) : createChecks(access, { appId, warn })),
    ...createDeployments(access, warn),
    findBudget: ({ repository }) => access.findBudget(repository.fullName),
    async listOwnComments({ repository, number }) {
      const isOwn = await access.findIsOwn();
      const found: OwnComment[] = [];
      for (let page = 1; page <= MOST_PAGES; page++) {
        const path = `/issues/${number}/comments?per_page=100&page=${page}`;
        const { data, headers } = await write(repository, "pull_requests", { method: "GET", path });
        const comments = readWarned(Comment, data, { list: `comments of ${repository.fullName}#${number}`, warn });
        found.push(...comments.filter(isOwn).map(({ id, body }) => ({ id, body: body ?? "" })));
        if (!hasNextPage(headers)) break;
      }
      return found.sort((one, other) => one.id - other.id);
    },
    createComment: (place, body) =>
      create(write, place, "pull_requests", { path: `/issues/${place.number}/comments`, body: { body } }),
    updateComment: ({ repository }, id, body) =>
      unlessGone(() =>
        write(repository, "pull_requests", { method: "PATCH", path: `/issues/comments/${id}`, body: { body } }),
      ),
    async deleteComment({ repository }, id) {
      await unlessGone(() => write(repository, "pull_requests", { method: "DELETE", path: `/issues/comments/${id}` }));
    },
    async react({ repository }, id, content) {
      const path = `/issues/comments/${id}/reactions`;
      await unlessGone(() => write(repository, "pull_requests", { method: "POST", path, body: { content } }));
    },
  };
}

type Checks = Pick<ReportHost, "countsByName" | "findCheck" | "createCheck" | "updateCheck">;

/** Source: "Create a commit status", GitHub Docs. */
const MAX_DESCRIPTION = 140;

/** Creates commit statuses. The newest status of a commit and name counts. */
function createCommitStatuses({ write }: RepositoryClient): Checks {
  const createCheck: Checks["createCheck"] = (place, { name, head, title, url, conclusion }) => {
    const description = cutText(title, MAX_DESCRIPTION);
    const body = { context: name, state: toState(conclusion), description, ...defined({ target_url: url }) };
    return create(write, place, "statuses", { path: `/statuses/${head}`, body });
  };
  return {
    countsByName: true,
    findCheck: async () => undefined,
    createCheck,
    async updateCheck(place, _, check) {
      await createCheck(place, check);
      return true;
    },
  };
}

/** Converts a conclusion. Statuses have no neutral state, and a success would say that the commit runs. */
function toState(conclusion: HostCheck["conclusion"]): "pending" | "success" | "failure" | "error" {
  if (conclusion === undefined || conclusion === "neutral") return "pending";
  return conclusion === "cancelled" ? "error" : conclusion;
}

function createChecks(
  { write }: RepositoryClient,
  { appId, warn }: { readonly appId: number; readonly warn: WarnOfRows },
): Checks {
  return {
    countsByName: false,
    async findCheck({ repository }, { name, head }) {
      const query = new URLSearchParams({ check_name: name, app_id: String(appId), per_page: "1" });
      const path = `/commits/${head}/check-runs?${query}`;
      const { data } = await write(repository, "checks", { method: "GET", path });
      if (!Check(CheckRuns, data)) throw toUnreadable("checks");
      return readWarned(CheckRun, data.check_runs, { list: `checks of ${head} in ${repository.fullName}`, warn })[0]
        ?.id;
    },
    createCheck: (place, check) =>
      create(write, place, "checks", {
        path: "/check-runs",
        // Pull requests may have one head, and the buttons of their checks are about one of them.
        body: { ...toCheckBody(check), head_sha: check.head, external_id: toCheckId(place.number, check.turn) },
      }),
    async updateCheck({ repository, number }, id, check) {
      let data: unknown;
      const isThere = await unlessGone(async () => {
        const body = { ...toCheckBody(check), external_id: toCheckId(number, check.turn) };
        const request = { method: "PATCH", path: `/check-runs/${id}`, body } as const;
        ({ data } = await write(repository, "checks", request));
      });
      // GitHub keeps the conclusion of a check that is completed, whatever status it is given.
      const isKept = check.conclusion === undefined && Check(Concluded, data);
      return isThere && !isKept;
    },
  };
}

const ENVIRONMENT = "preview";

function createDeployments(
  { write }: RepositoryClient,
  warn: WarnOfRows,
): Pick<ReportHost, "findDeployment" | "createDeployment" | "setDeployment"> {
  return {
    async findDeployment({ repository }, { head, stackId, yardId }) {
      const query = new URLSearchParams({ sha: head, environment: ENVIRONMENT, per_page: "100" });
      const { data } = await write(repository, "deployments", { method: "GET", path: `/deployments?${query}` });
      const list = `deployments of ${head} in ${repository.fullName}`;
      return readWarned(Deployment, data, { list, warn }).find(({ payload }) => isPayload(payload, { stackId, yardId }))
        ?.id;
    },
    createDeployment: (place, { head, stackId, yardId }) =>
      create(write, place, "deployments", {
        path: "/deployments",
        body: {
          ref: head,
          environment: ENVIRONMENT,
          payload: { stackId, yardId },
          transient_environment: true,
          production_environment: false,
          // Otherwise GitHub merges the default branch, and requires success of all checks, this App's own too.
          auto_merge: false,
          required_contexts: [],
        },
      }),
    setDeployment: ({ repository }, id, { state: wanted, description, url }) => {
      const state = wanted === "replaced" ? "inactive" : wanted;
      const body = { state, description, auto_inactive: false, ...defined({ environment_url: url }) };
      const path = `/deployments/${id}/statuses`;
      return unlessGone(() => write(repository, "deployments", { method: "POST", path, body }));
    },
  };
}

function toCheckBody({ name, title, summary, conclusion, actions, url }: HostCheck) {
  const status = conclusion === undefined ? "in_progress" : "completed";
  return { name, status, output: { title, summary }, actions, ...defined({ conclusion, details_url: url }) };
}

function isPayload(payload: unknown, subject: Pick<DeploymentSubject, "stackId" | "yardId">): boolean {
  const value = typeof payload === "string" ? parseJson(payload) : payload;
  return isMap(value) && value["stackId"] === subject.stackId && value["yardId"] === subject.yardId;
}

async function create(
  write: RepositoryClient["write"],
  { repository }: PullPlace,
  right: GitHubRight,
  request: { readonly path: string; readonly body: Readonly<Record<string, unknown>> },
): Promise<number> {
  const { data } = await write(repository, right, { method: "POST", ...request });
  if (!Check(Created, data)) throw toUnreadable(request.path);
  return data.id;
}

function toUnreadable(what: string): StackyardError {
  return new StackyardError("SERVER_ERROR", `GitHub's answer about ${what} cannot be read.`);
}

/** Returns false when the subject of the request does not exist any more. */
async function unlessGone(call: () => Promise<unknown>): Promise<boolean> {
  try {
    await call();
    return true;
  } catch (error) {
    if (hasStatus(error, 404) || hasStatus(error, 410)) return false;
    throw error;
  }
}
