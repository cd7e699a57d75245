import type { App } from "@octokit/app";
import type { Octokit } from "@octokit/core";
import { isMap, parseJson, StackyardError, toStrictJson } from "@stackyard/core";
import type { RepositoryPlace } from "../delivery/hook.ts";
import { hasStatus, toRightFault } from "./request-outcome.ts";

/** The time limit of one request, in milliseconds. */
export const REQUEST_MS = 10_000;

/** A right that a token needs for its request. */
export type GitHubRight = "pull_requests" | "checks" | "statuses" | "deployments";

/** Sends requests about one repository. Tokens of an App are good for it and for one right only. */
export interface RepositoryClient {
  /** Sends a request, such as `PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}`, and returns the answer's body. */
  write(
    repository: RepositoryPlace,
    right: GitHubRight,
    request: RepositoryRequest,
  ): Promise<{ readonly data: unknown; readonly headers: { readonly link?: string } }>;
}

/** A request whose path begins with the repository. */
export interface RepositoryRequest {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** Behind `/repos/OWNER/NAME`. */
  readonly path: string;
  readonly body?: Readonly<Record<string, unknown>>;
}

/** Creates a token for a repository and a right. `refresh`: the one before is not valid any more. */
export type CreateToken = (repository: RepositoryPlace, right: GitHubRight, refresh: boolean) => Promise<string>;

/** The dependencies of creating tokens of an App. */
export interface AppTokenDeps {
  readonly app: App;
  findInstallation(repository: string): Promise<number>;
  /** Called when an installation does not exist any more: the next request looks it up again. */
  forgetInstallation(repository: string): void;
}

/** The scope of an App's token. */
export interface TokenScope {
  readonly repositoryIds?: readonly number[];
  readonly repositoryNames?: readonly string[];
  readonly permissions: Readonly<Record<string, "read" | "write">>;
  /** True if the previous one is not valid any more. */
  readonly refresh: boolean;
}

/** Creates a token of an App for a repository, cached until it expires. Names the permissions that the App lacks. */
export async function createInstallationToken(
  { app, findInstallation, forgetInstallation }: AppTokenDeps,
  repository: string,
  scope: TokenScope,
): Promise<string> {
  const installationId = await findInstallation(repository);
  const options = { type: "installation", installationId, ...scope };
  const created: unknown = await app.octokit.auth(options).catch((error: unknown) => {
    if (hasStatus(error, 404)) forgetInstallation(repository);
    const rights = Object.entries(scope.permissions).map(([right, access]) => `${right}: ${access}`);
    throw toRightFault(error, rights, repository);
  });
  const token = isMap(created) ? created["token"] : undefined;
  if (typeof token === "string") return token;
  throw new StackyardError("SERVER_ERROR", "GitHub returned no installation token.");
}

/** Creates the client. `octokit` has no credentials of its own. */
export function createRepositoryClient(octokit: Octokit, createToken: CreateToken): RepositoryClient {
  async function send(token: string, { fullName }: RepositoryPlace, request: RepositoryRequest) {
    const [owner = "", repo = ""] = fullName.split("/");
    const body = parseJson(toStrictJson(request.body ?? {}));
    const { data, headers } = await octokit.request(`${request.method} /repos/{owner}/{repo}${request.path}`, {
      ...(isMap(body) ? body : {}),
      owner,
      repo,
      headers: { authorization: `token ${token}` },
      request: { signal: AbortSignal.timeout(REQUEST_MS) },
    });
    return { data: data as unknown, headers };
  }

  return {
    async write(repository, right, request) {
      const token = await createToken(repository, right, false);
      try {
        return await send(token, repository, request);
      } catch (error) {
        // A token ends early when the App is installed anew.
        const fresh = hasStatus(error, 401) ? await createToken(repository, right, true) : token;
        if (fresh === token) throw toRightFault(error, [`${right}: write`], repository.fullName);
        return send(fresh, repository, request);
      }
    },
  };
}
