import { defined } from "@stackyard/core";
import { type Static, Type } from "typebox";
import { Check } from "typebox/value";
import type { ComparedCommits, ComparedRange } from "../code-host.ts";
import { type GitLabClient, REQUEST_MS, toProjectPath } from "./gitlab-client.ts";

const PER_PAGE = 100;

const Text = Type.Optional(Type.Union([Type.String(), Type.Null()]));
const Commit = Type.Object({
  id: Type.String(),
  title: Type.String(),
  author_name: Text,
  authored_date: Text,
  web_url: Text,
});

/**
 * Compares two commits of a project by lists of both sides: the API of comparisons would send all differences. Source:
 * "Commits API", GitLab Docs (`ref_name` is a revision range).
 */
export async function compareCommits(
  client: Pick<GitLabClient, "send">,
  repository: string,
  { before, now, signal }: ComparedRange,
): Promise<ComparedCommits | undefined> {
  const ended = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]);
  const list = async (range: string) => {
    const query = `ref_name=${encodeURIComponent(range)}&per_page=${PER_PAGE}`;
    const path = `${toProjectPath(repository)}/repository/commits?${query}`;
    const response = await client.send({ path, signal: ended });
    const rows: unknown = await response?.json();
    return Array.isArray(rows) ? { rows, isCut: Boolean(response?.headers.get("x-next-page")) } : undefined;
  };
  const [added, dropped] = await Promise.all([list(`${before}..${now}`), list(`${now}..${before}`)]);
  if (added === undefined || dropped === undefined) return undefined;
  const commits = added.rows.flatMap((row): readonly Static<typeof Commit>[] => (Check(Commit, row) ? [row] : []));
  // GitLab lists the newest first.
  return { commits: commits.toReversed().map(toCommit), isCut: added.isCut, dropped: dropped.rows.length };
}

function toCommit({ id, title: subject, author_name, authored_date, web_url }: Static<typeof Commit>) {
  const optional = { author: author_name ?? undefined, at: authored_date ?? undefined, url: web_url ?? undefined };
  return { id, subject, ...defined(optional) };
}
