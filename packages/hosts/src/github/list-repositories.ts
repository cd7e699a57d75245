import type { App } from "@octokit/app";
import type { Octokit } from "@octokit/core";
import { isMap } from "@stackyard/core";
import type { HookRepository } from "../hook.ts";
import { REQUEST_MS } from "./open-repository.ts";
import { toRepository } from "./parse-delivery.ts";
import { hasNextPage } from "./request-outcome.ts";

/** A repository, and the installation that can read it. */
export interface InstalledRepository {
  readonly installation: number;
  readonly repository: HookRepository;
}

/** Lists the repositories of all installations of an App that are not suspended, with tokens that may read nothing else. */
export async function listInstalledRepositories(
  app: App,
  Client: typeof Octokit,
): Promise<readonly InstalledRepository[]> {
  const found: InstalledRepository[] = [];
  const installations = await readPages(async (page) => {
    const { data, headers } = await app.octokit.request("GET /app/installations", toPageParameters(page));
    return { items: data, headers };
  });
  for (const { id, suspended_at: suspendedAt } of installations) {
    if (suspendedAt !== null) continue;
    // Rare, so it does not matter that the previous token may still be valid.
    const options = { type: "installation", installationId: id, permissions: { metadata: "read" }, refresh: true };
    const created: unknown = await app.octokit.auth(options);
    const octokit = new Client({ auth: isMap(created) ? created["token"] : undefined });
    const repositories = await readPages(async (page) => {
      const { data, headers } = await octokit.request("GET /installation/repositories", toPageParameters(page));
      return { items: data.repositories, headers };
    });
    found.push(
      ...repositories.map((each) => ({ installation: id, repository: toRepository({ ...each, id: Number(each.id) }) })),
    );
  }
  return found;
}

/** Lists the repositories that the user of a token may write to and that are not archived. */
export async function listTokenRepositories(octokit: Octokit): Promise<readonly HookRepository[]> {
  const repositories = await readPages(async (page) => {
    const { data, headers } = await octokit.request("GET /user/repos", toPageParameters(page));
    return { items: data, headers };
  });
  const used = repositories.filter(({ archived, permissions }) => !archived && permissions?.push === true);
  return used.map((each) => toRepository({ ...each, id: Number(each.id) }));
}

function toPageParameters(page: number) {
  return { page, per_page: 100, request: { signal: AbortSignal.timeout(REQUEST_MS) } };
}

interface ReadPage<Item> {
  readonly items: readonly Item[];
  readonly headers: { readonly link?: string };
}

async function readPages<Item>(read: (page: number) => Promise<ReadPage<Item>>): Promise<readonly Item[]> {
  const found: Item[] = [];
  for (let page = 1; ; page++) {
    const { items, headers } = await read(page);
    found.push(...items);
    if (!hasNextPage(headers)) return found;
  }
}
