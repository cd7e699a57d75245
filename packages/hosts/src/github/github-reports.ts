import { StackyardError } from "@stackyard/core";
import { Type } from "typebox";
import { Check } from "typebox/value";
import type { OwnComment, PullPlace, ReportHost } from "../report/report-host.ts";
import type { RepositoryClient } from "./open-repository.ts";
import { hasNextPage, hasStatus } from "./request-outcome.ts";

const Comments = Type.Array(
  Type.Object({
    id: Type.Integer({ minimum: 0 }),
    body: Type.Optional(Type.String()),
    performed_via_github_app: Type.Optional(Type.Union([Type.Null(), Type.Object({ id: Type.Integer() })])),
  }),
);
const Created = Type.Object({ id: Type.Integer({ minimum: 0 }) });

/** Of a pull request: 10,000 comments. */
const MOST_PAGES = 100;

/** What reports are written with. */
export interface GitHubReportsDeps extends RepositoryClient {
  readonly appId: number;
  findInstallation(repository: string): Promise<number>;
}

/** Creates the writer of reports. A comment on a pull request is one on an issue for GitHub. */
export function createGitHubReports({ appId, write, findInstallation }: GitHubReportsDeps): ReportHost {
  return {
    findBudget: async ({ repository }) => String(await findInstallation(repository.fullName)),
    async listOwnComments({ repository, number }) {
      const found: OwnComment[] = [];
      for (let page = 1; page <= MOST_PAGES; page++) {
        const path = `/issues/${number}/comments?per_page=100&page=${page}`;
        const { data, headers } = await write(repository, "pull_requests", { method: "GET", path });
        if (!Check(Comments, data)) throw toUnreadable("comments");
        const own = data.filter((comment) => comment.performed_via_github_app?.id === appId);
        found.push(...own.map(({ id, body = "" }) => ({ id, body })));
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

async function create(
  write: RepositoryClient["write"],
  { repository }: PullPlace,
  right: "pull_requests" | "checks" | "deployments",
  request: { readonly path: string; readonly body: Readonly<Record<string, unknown>> },
): Promise<number> {
  const { data } = await write(repository, right, { method: "POST", ...request });
  if (!Check(Created, data)) throw toUnreadable(request.path);
  return data.id;
}

function toUnreadable(what: string): StackyardError {
  return new StackyardError("SERVER_ERROR", `GitHub's answer about ${what} cannot be read.`);
}

/** False: what the request is about does not exist any more. */
async function unlessGone(call: () => Promise<unknown>): Promise<boolean> {
  try {
    await call();
    return true;
  } catch (error) {
    if (hasStatus(error, 404) || hasStatus(error, 410)) return false;
    throw error;
  }
}
