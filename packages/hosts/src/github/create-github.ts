import { Octokit } from "@octokit/core";
import { StackyardError } from "@stackyard/core";
import { Type } from "typebox";
import { Check } from "typebox/value";
import { createCache } from "../cache.ts";
import type { CodeHost } from "../code-host.ts";
import type { HookPull, HookRepository } from "../delivery/hook.ts";
import { HOST_PERMISSIONS, type HostPermission } from "../host-permission.ts";
import { limitAnswers } from "../limit-answers.ts";
import type { WarnOfRows } from "../poll/read-rows.ts";
import { toApiUrl } from "./api-url.ts";
import { compareCommits } from "./compare-commits.ts";
import { createAppAccess, createTokenAccess, toParameters } from "./github-access.ts";
import { createGitHubReports } from "./github-reports.ts";
import { createPullReader } from "./list-pulls.ts";
import { REQUEST_MS } from "./open-repository.ts";
import { GitHubPull, isOf, toPull } from "./parse-delivery.ts";
import { AskedToWait, hasStatus, toHostFault, toRetryAfterSeconds } from "./request-outcome.ts";

/** Stackyard's identity at GitHub: an App, or a user's token. */
export type GitHubInput = (
  | {
      readonly appId: number;
      /** The App's private key in PEM. */
      readonly privateKey: string;
    }
  | { readonly token: string }
) & {
  /** The address of GitHub Enterprise, such as `https://github.example.org` or `https://acme.ghe.com`. Default: github.com. */
  readonly url?: string | undefined;
  readonly now: () => number;
  /** Default: that of the platform. */
  readonly fetch?: typeof fetch;
  /** Is called with a warning for each row of a list that cannot be read. */
  readonly warn?: WarnOfRows;
};

/** The time for which a revoked permission remains valid, in milliseconds. */
const PERMISSION_MS = 60_000;
const REPOSITORIES_MS = 3_600_000;
/** The time until the last byte of an archive, in milliseconds. */
const ARCHIVE_MS = 600_000;

const Named = Type.Object({ full_name: Type.String() });

/** Creates the client of a GitHub. */
export function createGitHub(input: GitHubInput): CodeHost {
  const { url, now, fetch = globalThis.fetch, warn = () => undefined } = input;
  const Patient = Octokit.plugin(createPause(now)).defaults({ request: { fetch: limitAnswers(fetch) } });
  const Client = url === undefined ? Patient : Patient.defaults({ baseUrl: toApiUrl(url) });
  const access = "token" in input ? createTokenAccess(input.token, Client, warn) : createAppAccess(input, Client, warn);
  const { open } = access;
  const permissions = createCache<HostPermission>(PERMISSION_MS, now);
  const repositories = createCache<readonly HookRepository[]>(REPOSITORIES_MS, now);
  const readPulls = createPullReader();

  return {
    reports: createGitHubReports(access, { appId: "appId" in input ? input.appId : undefined, warn }),
    toFault: (error) => toHostFault(error, now()),
    findPull: (repository, number) =>
      unlessMissing(async (): Promise<HookPull | undefined> => {
        const octokit = await open(repository);
        const parameters = { ...toParameters(repository.fullName), pull_number: number };
        const { data }: { data: unknown } = await octokit.request(
          "GET /repos/{owner}/{repo}/pulls/{pull_number}",
          parameters,
        );
        if (Check(GitHubPull, data)) return isOf(repository, data) ? toPull(data) : undefined;
        throw new StackyardError("SERVER_ERROR", `GitHub sent no pull request for ${repository.fullName}#${number}.`);
      }),
    async findRef({ fullName }, ref) {
      const octokit = new Client({ auth: await access.createArchiveToken(fullName) });
      const own = toParameters(fullName);
      const parameters = { ...own, ref: ref.replace(/^refs\//, "") };
      const found = await unlessMissing(() => octokit.request("GET /repos/{owner}/{repo}/git/ref/{ref}", parameters));
      // GitHub answers 404 also about a repository that it does not show.
      if (found === undefined) await octokit.request("GET /repos/{owner}/{repo}", own);
      return found?.data.object.sha;
    },
    findPermission: (repository, login) =>
      permissions(`${repository.id} ${login}`, async () => {
        const permission = await unlessMissing(async () => {
          const octokit = await open(repository);
          const parameters = { ...toParameters(repository.fullName), username: login };
          const path = "GET /repos/{owner}/{repo}/collaborators/{username}/permission";
          return toPermission((await octokit.request(path, parameters)).data);
        });
        return permission ?? "none";
      }),
    listRepositories: () => repositories("all", access.listRepositories),
    listDeliveries: access.listDeliveries,
    findDeliveryBody: (id) => unlessMissing(() => access.findDeliveryBody(id)),
    listFaults: access.listFaults,
    listOpenPulls: (repository, onUnread) =>
      unlessMissing(async () => readPulls(await open(repository), repository, onUnread)),
    findName: (repository, signal) =>
      unlessMissing(async () => {
        const octokit = new Client({ auth: await access.createArchiveToken(repository) });
        const { data }: { data: unknown } = await octokit.request("GET /repos/{owner}/{repo}", {
          ...toParameters(repository),
          request: { signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]) },
        });
        if (Check(Named, data)) return data.full_name;
        throw new StackyardError("SERVER_ERROR", `GitHub sent no name for ${repository}.`);
      }),
    compare: (repository, range) =>
      unlessMissing(async () => {
        const octokit = new Client({ auth: await access.createArchiveToken(repository) });
        return compareCommits(octokit, repository, range);
      }),
    openArchive: (repository, commit, signal) =>
      unlessMissing(async () => {
        const octokit = new Client({ auth: await access.createArchiveToken(repository) });
        // GitHub redirects to another host, to which `fetch` does not send the token.
        const { data }: { data: unknown } = await octokit.request("GET /repos/{owner}/{repo}/tarball/{ref}", {
          ...toParameters(repository),
          ref: commit,
          request: {
            // It is read in pieces.
            fetch,
            parseSuccessResponseBody: false,
            signal: AbortSignal.any([signal, AbortSignal.timeout(ARCHIVE_MS)]),
          },
        });
        if (data instanceof ReadableStream) return data;
        throw new StackyardError("SERVER_ERROR", `GitHub sent no archive of ${repository}.`);
      }),
  };
}

/** Blocks requests while GitHub requires a wait, such as after too many requests: more requests would extend it. */
function createPause(now: () => number) {
  let until = 0;
  return ({ hook }: Octokit): void => {
    hook.wrap("request", async (request, options) => {
      if (until > now()) throw new AskedToWait(until, now());
      try {
        return await request(options);
      } catch (error) {
        until = Math.max(until, now() + (toRetryAfterSeconds(error) ?? 0) * 1_000);
        throw error;
      }
    });
  };
}

/** Returns undefined for 404, with which GitHub also answers an App without access. */
async function unlessMissing<Result>(call: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await call();
  } catch (error) {
    if (hasStatus(error, 404)) return undefined;
    throw error;
  }
}

/**
 * Converts a permission. `role_name` includes triage and maintain; for a custom role, `permission` is its base role.
 * Source: "Get repository permissions for a user", REST API, GitHub Docs.
 */
function toPermission(data: { readonly permission: string; readonly role_name?: string }): HostPermission {
  const find = (name: string | undefined) => HOST_PERMISSIONS.find((each) => each === name);
  return find(data.role_name) ?? find(data.permission) ?? "none";
}
