import { App } from "@octokit/app";
import type { Octokit } from "@octokit/core";
import { StackyardError } from "@stackyard/core";
import { Type } from "typebox";
import { Check } from "typebox/value";
import type { CodeHost } from "../code-host.ts";
import type { RepositoryPlace } from "../delivery/hook.ts";
import type { WarnOfRows } from "../poll/read-rows.ts";
import { listDeliveries, toDeliveryBody } from "./list-deliveries.ts";
import { listInstalledRepositories, listTokenRepositories } from "./list-repositories.ts";
import {
  type AppTokenDeps,
  createInstallationToken,
  createRepositoryClient,
  REQUEST_MS,
  type RepositoryClient,
} from "./open-repository.ts";
import { hasStatus } from "./request-outcome.ts";

/** The author of a comment, as reported by GitHub. */
export interface GitHubAuthor {
  readonly user?: { readonly id: number } | null;
  readonly performed_via_github_app?: { readonly id: number } | null;
}

/** The authorization of requests: as an App, or with the token of a user. */
export interface GitHubAccess
  extends RepositoryClient,
    Pick<CodeHost, "listRepositories" | "listDeliveries" | "findDeliveryBody"> {
  /** Returns a client that may read a repository. */
  open(repository: RepositoryPlace): Promise<Octokit>;
  /** Returns which installations are missing in the last list of repositories, and why. */
  listFaults(): readonly string[];
  /** Returns a token that may read the contents of a repository. */
  createArchiveToken(repository: string): Promise<string>;
  /** Returns what limits of GitHub are counted by. */
  findBudget(repository: string): Promise<string>;
  /** Returns which comments were written with this access. */
  findIsOwn(): Promise<(author: GitHubAuthor) => boolean>;
}

/** Creates the access of a GitHub App. Tokens of installations are created on demand, and cached until they expire. */
export function createAppAccess(
  { appId, privateKey }: { readonly appId: number; readonly privateKey: string },
  Client: typeof Octokit,
  warn: WarnOfRows,
): GitHubAccess {
  const app = new App({ appId, privateKey: privateKey.replaceAll("\\n", "\n"), Octokit: Client });
  const installations = new Map<string, number>();
  let faults: readonly string[] = [];

  async function findInstallation(repository: string): Promise<number> {
    const known = installations.get(repository);
    if (known !== undefined) return known;
    const { data } = await app.octokit.request("GET /repos/{owner}/{repo}/installation", toParameters(repository));
    installations.set(repository, data.id);
    return data.id;
  }

  const forgetInstallation = (repository: string): void => void installations.delete(repository);
  const deps = { app, findInstallation, forgetInstallation };
  return {
    ...createRepositoryClient(new Client(), ({ id, fullName }, right, refresh) =>
      createInstallationToken(deps, fullName, {
        repositoryIds: [Number(id)],
        permissions: { [right]: "write" },
        refresh,
      }),
    ),
    open: async (repository) => createReader(deps, Client, repository),
    createArchiveToken: (repository) => createContentsToken(deps, repository),
    findBudget: async (repository) => String(await findInstallation(repository)),
    findIsOwn: async () => (author) => author.performed_via_github_app?.id === appId,
    async listRepositories() {
      const { found, refused } = await listInstalledRepositories(app, Client, warn);
      faults = refused;
      for (const { installation, repository } of found) installations.set(repository.fullName, installation);
      return found.map(({ repository }) => repository);
    },
    listFaults: () => faults,
    listDeliveries: (since) => listDeliveries(app.octokit, since, warn),
    async findDeliveryBody(id) {
      const parameters = { request: { signal: AbortSignal.timeout(REQUEST_MS) } };
      const { data }: { data: unknown } = await app.octokit.request(`GET /app/hook/deliveries/${id}`, parameters);
      const body = toDeliveryBody(data);
      if (body === undefined) warn("bodies of deliveries of the App", [Number(id)]);
      return body;
    },
  };
}

/** Creates a token that may read the contents of a repository by its name, which may be a former one. */
async function createContentsToken(deps: AppTokenDeps, repository: string): Promise<string> {
  const scope = { permissions: { contents: "read" }, refresh: false } as const;
  const repositoryNames = [repository.split("/")[1] ?? ""];
  try {
    return await createInstallationToken(deps, repository, { ...scope, repositoryNames });
  } catch (error) {
    // GitHub redirects requests by a former name, and creates no tokens for it.
    const id = hasStatus(error, 422) ? await findRenamed(deps, repository) : undefined;
    if (id === undefined) throw error;
    return createInstallationToken(deps, repository, { ...scope, repositoryIds: [id] });
  }
}

/**
 * Returns the number of a repository that was renamed or moved; undefined for others. Source: "Best practices for using
 * the REST API" (redirects), GitHub Docs.
 */
async function findRenamed({ app }: AppTokenDeps, repository: string): Promise<number | undefined> {
  const { request, ...parameters } = toParameters(repository);
  const { headers } = await app.octokit.request("GET /repos/{owner}/{repo}/installation", {
    ...parameters,
    request: { ...request, redirect: "manual" },
  });
  const id = /\/repositories\/(\d+)\//.exec(headers.location ?? "")?.[1];
  return id === undefined ? undefined : Number(id);
}

/** Creates a client that may read the pull requests of one repository, and who may do what there. */
function createReader(deps: AppTokenDeps, Client: typeof Octokit, { id, fullName }: RepositoryPlace): Octokit {
  const permissions = { metadata: "read", pull_requests: "read" } as const;
  const octokit = new Client();
  octokit.hook.wrap("request", async (request, options) => {
    const send = async (refresh: boolean) => {
      const token = await createInstallationToken(deps, fullName, {
        repositoryIds: [Number(id)],
        permissions,
        refresh,
      });
      // Inner hooks get the same object, whatever their arguments.
      options.headers["authorization"] = `token ${token}`;
      return request(options);
    };
    try {
      return await send(false);
    } catch (error) {
      // A token ends early when the App is installed anew.
      if (!hasStatus(error, 401)) throw error;
      return send(true);
    }
  });
  return octokit;
}

const User = Type.Object({ id: Type.Integer({ minimum: 0 }) });

/** Creates the access of a token. GitHub lists deliveries for Apps, and for administrators of each webhook, only. */
export function createTokenAccess(token: string, Client: typeof Octokit, warn: WarnOfRows): GitHubAccess {
  const octokit = new Client({ auth: token });
  let ownId: number | undefined;

  async function findOwnId(): Promise<number> {
    const { data }: { data: unknown } = await octokit.request("GET /user", {
      request: { signal: AbortSignal.timeout(REQUEST_MS) },
    });
    if (Check(User, data)) return data.id;
    throw new StackyardError("SERVER_ERROR", "Cannot get the owner of the token from GitHub.");
  }

  return {
    ...createRepositoryClient(new Client(), async () => token),
    open: async () => octokit,
    createArchiveToken: async () => token,
    findBudget: async () => "token",
    async findIsOwn() {
      const id = ownId ?? (await findOwnId());
      ownId = id;
      return (author) => author.user?.id === id;
    },
    listRepositories: () => listTokenRepositories(octokit, warn),
    listFaults: () => [],
    listDeliveries: async () => [],
    findDeliveryBody: async () => undefined,
  };
}

/** Returns the parameters of a request about a repository, such as `acme/shop`. */
export function toParameters(repository: string) {
  const [owner = "", repo = ""] = repository.split("/");
  return { owner, repo, request: { signal: AbortSignal.timeout(REQUEST_MS) } };
}
