import type { Octokit } from "@octokit/core";
import { collectBytes, defined, StackyardError } from "@stackyard/core";
import { type Static, Type } from "typebox";
import { Check } from "typebox/value";
import type { ComparedCommits, ComparedRange } from "../code-host.ts";
import { REQUEST_MS } from "./open-repository.ts";

/** The answer has the differences of up to 300 files, which are not read here. */
const MOST_BYTES = 16_777_216;
const PER_PAGE = 100;

const Text = Type.Optional(Type.Union([Type.String(), Type.Null()]));
const Commit = Type.Object({
  sha: Type.String(),
  html_url: Text,
  commit: Type.Object({
    message: Type.String(),
    author: Type.Optional(Type.Union([Type.Object({ name: Text, date: Text }), Type.Null()])),
  }),
});
const Comparison = Type.Object({
  total_commits: Type.Integer(),
  behind_by: Type.Integer(),
  commits: Type.Array(Commit),
});

/** Compares two commits of a repository, as a client that may read its contents. Source: "Compare two commits", GitHub Docs. */
export async function compareCommits(
  octokit: Octokit,
  repository: string,
  { before, now, signal }: ComparedRange,
): Promise<ComparedCommits> {
  const [owner = "", repo = ""] = repository.split("/");
  const { data }: { data: unknown } = await octokit.request("GET /repos/{owner}/{repo}/compare/{basehead}", {
    owner,
    repo,
    basehead: `${before}...${now}`,
    per_page: PER_PAGE,
    request: { parseSuccessResponseBody: false, signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]) },
  });
  const body = data instanceof ReadableStream ? await readJson(data, repository) : undefined;
  if (!Check(Comparison, body)) throw new StackyardError("SERVER_ERROR", `GitHub sent no comparison of ${repository}.`);
  const commits = body.commits.slice(0, PER_PAGE).map(toCommit);
  return { commits, isCut: body.total_commits > commits.length, dropped: body.behind_by };
}

async function readJson(stream: ReadableStream<Uint8Array>, repository: string): Promise<unknown> {
  const bytes = await collectBytes(stream, MOST_BYTES);
  if (bytes !== undefined) return JSON.parse(bytes.toString("utf8"));
  throw new StackyardError("SERVER_ERROR", `The comparison of ${repository} is larger than 16 MiB.`);
}

function toCommit({ sha: id, html_url: url, commit: { message, author } }: Static<typeof Commit>) {
  const [subject = ""] = message.split("\n", 1);
  return {
    id,
    subject,
    ...defined({ author: author?.name ?? undefined, at: author?.date ?? undefined, url: url ?? undefined }),
  };
}
