import type { App } from "@octokit/app";
import type { Octokit } from "@octokit/core";
import { isMap, StackyardError } from "@stackyard/core";

/** Until the last byte. */
const ARCHIVE_MS = 600_000;

interface ArchiveInput {
  readonly installation: number;
  readonly owner: string;
  readonly repo: string;
  readonly commit: string;
  readonly signal: AbortSignal;
}

/** Requests the archive of a commit, with a token that may only read the contents of this repository. */
export async function openArchive(
  app: App,
  createClient: (token: string) => Octokit,
  { installation, owner, repo, commit, signal }: ArchiveInput,
): Promise<AsyncIterable<Uint8Array>> {
  const access = await app.octokit.auth({
    type: "installation",
    installationId: installation,
    repositoryNames: [repo],
    permissions: { contents: "read" },
  });
  const token = isMap(access) ? String(access["token"]) : "";
  // GitHub redirects to another host, to which `fetch` does not send the token.
  const { data }: { data: unknown } = await createClient(token).request("GET /repos/{owner}/{repo}/tarball/{ref}", {
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
