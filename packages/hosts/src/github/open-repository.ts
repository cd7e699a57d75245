import type { App } from "@octokit/app";
import type { Octokit } from "@octokit/core";
import { isMap, StackyardError } from "@stackyard/core";
import type { HookRepository } from "../hook.ts";
import { hasStatus } from "./request-outcome.ts";

/** Of one request. */
export const REQUEST_MS = 10_000;

/** A right that a token needs for its request. */
export type GitHubRight = "pull_requests" | "checks" | "deployments";

/** Sends requests about one repository, with tokens that are good for it and for one right only. */
export interface RepositoryClient {
  /** Sends a request, such as `PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}`, and returns the answer's body. */
  write(
    repository: Pick<HookRepository, "id" | "fullName">,
    right: GitHubRight,
    request: RepositoryRequest,
  ): Promise<RepositoryAnswer>;
}

/** A request whose path begins with the repository. */
export interface RepositoryRequest {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** Behind `/repos/OWNER/NAME`. */
  readonly path: string;
  readonly body?: Readonly<Record<string, unknown>>;
}

/** What GitHub has answered. */
export interface RepositoryAnswer {
  readonly data: unknown;
  readonly headers: { readonly link?: string };
}

/** What requests are sent with. */
export interface RepositoryClientDeps {
  readonly app: App;
  /** Without credentials of its own. */
  readonly octokit: Octokit;
  findInstallation(repository: string): Promise<number>;
  /** Called when an installation does not exist any more: it is looked up again with the next request. */
  forgetInstallation(repository: string): void;
}

/** Creates the client. Tokens are kept until they end. */
export function createRepositoryClient(deps: RepositoryClientDeps): RepositoryClient {
  const { app, octokit, findInstallation, forgetInstallation } = deps;

  async function createToken(
    repository: Pick<HookRepository, "id" | "fullName">,
    right: GitHubRight,
    refresh: boolean,
  ) {
    const installationId = await findInstallation(repository.fullName);
    const repositoryIds = [Number(repository.id)];
    const options = { type: "installation", installationId, repositoryIds, permissions: { [right]: "write" }, refresh };
    const created: unknown = await app.octokit.auth(options).catch((error: unknown) => {
      if (hasStatus(error, 404)) forgetInstallation(repository.fullName);
      throw error;
    });
    const token = isMap(created) ? created["token"] : undefined;
    if (typeof token === "string") return token;
    throw new StackyardError("SERVER_ERROR", "GitHub sent no token of the installation.");
  }

  async function send(token: string, { fullName }: Pick<HookRepository, "fullName">, request: RepositoryRequest) {
    const [owner = "", repo = ""] = fullName.split("/");
    const { data, headers } = await octokit.request(`${request.method} /repos/{owner}/{repo}${request.path}`, {
      ...request.body,
      owner,
      repo,
      headers: { authorization: `token ${token}` },
      request: { signal: AbortSignal.timeout(REQUEST_MS) },
    });
    return { data: data as unknown, headers };
  }

  return {
    async write(repository, right, request) {
      try {
        return await send(await createToken(repository, right, false), repository, request);
      } catch (error) {
        // A token ends early when the App is installed anew.
        if (!hasStatus(error, 401)) throw error;
        return send(await createToken(repository, right, true), repository, request);
      }
    },
  };
}
