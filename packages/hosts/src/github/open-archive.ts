import type { Octokit } from "@octokit/core";
import { StackyardError } from "@stackyard/core";

/** Until the last byte. */
const ARCHIVE_MS = 600_000;

interface ArchiveInput {
  readonly owner: string;
  readonly repo: string;
  readonly commit: string;
  readonly signal: AbortSignal;
}

/** Requests the archive of a commit. */
export async function openArchive(
  octokit: Octokit,
  { owner, repo, commit, signal }: ArchiveInput,
): Promise<AsyncIterable<Uint8Array>> {
  // GitHub redirects to another host, to which `fetch` does not send the token.
  const { data }: { data: unknown } = await octokit.request("GET /repos/{owner}/{repo}/tarball/{ref}", {
    owner,
    repo,
    ref: commit,
    request: {
      parseSuccessResponseBody: false,
      signal: AbortSignal.any([signal, AbortSignal.timeout(ARCHIVE_MS)]),
    },
  });
  if (data instanceof ReadableStream) return data;
  throw new StackyardError("SERVER_ERROR", `GitHub sent no archive of ${owner}/${repo}.`);
}
