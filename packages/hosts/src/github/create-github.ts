import { App } from "@octokit/app";
import { Octokit } from "@octokit/core";
import { isMap, StackyardError } from "@stackyard/core";
import { Check } from "typebox/value";
import type { CodeHost, HostPermission } from "../code-host.ts";
import type { HookPull } from "../hook.ts";
import { GitHubPull, toPull } from "./parse-delivery.ts";

/** How Stackyard is known at GitHub. */
export interface GitHubInput {
  readonly appId: number;
  /** The App's private key in PEM. */
  readonly privateKey: string;
  /** Of GitHub Enterprise, such as `https://github.example.org`. Default: github.com. */
  readonly url?: string | undefined;
  readonly now: () => number;
}

/** Of one request. */
const REQUEST_MS = 10_000;
/** A permission that was taken away counts for so long. */
const PERMISSION_MS = 60_000;
const MOST_CACHED = 1_000;

/** Creates the client of a GitHub App. Tokens of installations are created when they are needed, and kept until they end. */
export function createGitHub({ appId, privateKey, url, now }: GitHubInput): CodeHost {
  const Client = url === undefined ? Octokit : Octokit.defaults({ baseUrl: `${url.replace(/\/$/, "")}/api/v3` });
  const app = new App({ appId, privateKey: privateKey.replaceAll("\\n", "\n"), Octokit: Client });
  const installations = new Map<string, number>();
  const permissions = new Map<string, { readonly permission: HostPermission; readonly until: number }>();

  async function open(repository: string) {
    const known = installations.get(repository);
    if (known !== undefined) return app.getInstallationOctokit(known);
    const { data } = await app.octokit.request("GET /repos/{owner}/{repo}/installation", toParameters(repository));
    installations.set(repository, data.id);
    return app.getInstallationOctokit(data.id);
  }

  return {
    findPull: (repository, number) =>
      unlessMissing(async (): Promise<HookPull> => {
        const octokit = await open(repository);
        const parameters = { ...toParameters(repository), pull_number: number };
        const { data }: { data: unknown } = await octokit.request(
          "GET /repos/{owner}/{repo}/pulls/{pull_number}",
          parameters,
        );
        if (Check(GitHubPull, data)) return toPull(data);
        throw new StackyardError("SERVER_ERROR", `GitHub sent no pull request for ${repository}#${number}.`);
      }),
    async findPermission(repository, login) {
      const key = `${repository} ${login}`;
      const known = permissions.get(key);
      if (known !== undefined && known.until > now()) return known.permission;
      const permission = await unlessMissing(async () => {
        const octokit = await open(repository);
        const parameters = { ...toParameters(repository), username: login };
        const path = "GET /repos/{owner}/{repo}/collaborators/{username}/permission";
        return toPermission((await octokit.request(path, parameters)).data.permission);
      });
      if (permissions.size >= MOST_CACHED) permissions.clear();
      permissions.set(key, { permission: permission ?? "none", until: now() + PERMISSION_MS });
      return permission ?? "none";
    },
  };
}

function toParameters(repository: string) {
  const [owner = "", repo = ""] = repository.split("/");
  return { owner, repo, request: { signal: AbortSignal.timeout(REQUEST_MS) } };
}

/** GitHub answers 404 also to an App that may not know. */
async function unlessMissing<Result>(call: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await call();
  } catch (error) {
    if (isMap(error) && error["status"] === 404) return undefined;
    if (error instanceof Error && "status" in error && error.status === 404) return undefined;
    throw error;
  }
}

function toPermission(permission: string): HostPermission {
  return permission === "admin" || permission === "write" || permission === "read" ? permission : "none";
}
