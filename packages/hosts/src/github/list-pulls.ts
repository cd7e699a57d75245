import type { Octokit } from "@octokit/core";
import { defined, RecentMap, StackyardError } from "@stackyard/core";
import { Type } from "typebox";
import { Check } from "typebox/value";
import type { OnUnread } from "../code-host.ts";
import type { HookPull, RepositoryPlace } from "../delivery/hook.ts";
import { readRows } from "../poll/read-rows.ts";
import { toParameters } from "./github-access.ts";
import { GitHubPull, isOf, toPull } from "./parse-delivery.ts";
import { hasNextPage, hasStatus } from "./request-outcome.ts";

const Rows = Type.Array(Type.Unknown());

interface KnownPage {
  readonly etag: string;
  readonly pulls: readonly HookPull[];
  /** Numbers of those that cannot be read. */
  readonly unread: readonly (number | undefined)[];
  readonly hasNext: boolean;
  /** It is a page of another repository, which has the earlier name of this one. */
  readonly isOther: boolean;
}

/** The most cached pages, of all repositories. A page that is not cached is sent in full. */
const MOST_KNOWN = 500;
/** The most pages of one repository: 10,000 pull requests. */
const MOST_PAGES = 100;

/** Creates a reader of open pull requests. GitHub does not count requests for pages that have not changed. */
export function createPullReader() {
  const known = new RecentMap<string, KnownPage>(MOST_KNOWN);

  async function loadPage(octokit: Octokit, repository: RepositoryPlace, page: number): Promise<KnownPage> {
    const key = `${repository.id} ${repository.fullName} ${page}`;
    const before = known.get(key);
    const headers = defined({ "if-none-match": before?.etag });
    try {
      const answer = await octokit.request("GET /repos/{owner}/{repo}/pulls", {
        ...toParameters(repository.fullName),
        page,
        headers,
        state: "open",
        // The position of a pull request is stable, so that one that changes meanwhile is never on two pages.
        sort: "created",
        direction: "asc",
        per_page: 100,
      });
      const loaded = toPage(repository, answer);
      known.set(key, loaded);
      return loaded;
    } catch (error) {
      if (before !== undefined && hasStatus(error, 304)) return before;
      throw error;
    }
  }

  return async (
    octokit: Octokit,
    repository: RepositoryPlace,
    onUnread?: OnUnread,
  ): Promise<readonly HookPull[] | undefined> => {
    const pulls: HookPull[] = [];
    for (let page = 1; page <= MOST_PAGES; page++) {
      const loaded = await loadPage(octokit, repository, page);
      if (loaded.isOther) return undefined;
      pulls.push(...loaded.pulls);
      for (const number of loaded.unread) onUnread?.(number);
      if (!loaded.hasNext) return pulls;
    }
    throw new StackyardError("SERVER_ERROR", `${repository.fullName} has more than 10,000 open pull requests.`);
  };
}

function toPage(
  repository: RepositoryPlace,
  { data, headers }: { data: unknown; headers: { etag?: string; link?: string } },
): KnownPage {
  if (!Check(Rows, data))
    throw new StackyardError("SERVER_ERROR", `GitHub sent no pull requests for ${repository.fullName}.`);
  const { read, unread } = readRows(GitHubPull, data, "number");
  const isOther = read.some((pull) => !isOf(repository, pull));
  return { etag: headers.etag ?? "", pulls: read.map(toPull), unread, hasNext: hasNextPage(headers), isOther };
}
