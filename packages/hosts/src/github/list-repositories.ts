import type { App } from "@octokit/app";
import type { Octokit } from "@octokit/core";
import { isMap } from "@stackyard/core";
import { Type } from "typebox";
import type { HookRepository } from "../delivery/hook.ts";
import { readWarned, type WarnOfRows } from "../poll/read-rows.ts";
import { REQUEST_MS } from "./open-repository.ts";
import { toRepository } from "./parse-delivery.ts";
import { hasNextPage, hasStatus } from "./request-outcome.ts";

const Installation = Type.Object({
  id: Type.Integer(),
  suspended_at: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  account: Type.Optional(Type.Unknown()),
});
const Repository = Type.Object({ id: Type.Integer({ minimum: 0 }), full_name: Type.String(), html_url: Type.String() });
const OwnRepository = Type.Interface([Repository], {
  archived: Type.Optional(Type.Boolean()),
  permissions: Type.Optional(Type.Object({ push: Type.Optional(Type.Boolean()) })),
});

/** A repository, and the installation that can read it. */
export interface InstalledRepository {
  readonly installation: number;
  readonly repository: HookRepository;
}

/** The repositories of all installations, and those installations that could not be read. */
export interface InstalledRepositories {
  readonly found: readonly InstalledRepository[];
  /** One line for each. */
  readonly refused: readonly string[];
}

/**
 * Lists the repositories of all installations of an App that are not suspended, with tokens that may read nothing else.
 * An installation that GitHub refuses, such as one behind an IP allow list, does not hide the others. Throws when it
 * refuses all of them.
 */
export async function listInstalledRepositories(
  app: App,
  Client: typeof Octokit,
  warn: WarnOfRows,
): Promise<InstalledRepositories> {
  const found: InstalledRepository[] = [];
  const refused: string[] = [];
  let failure: unknown;
  const installations = await readPages(async (page) => {
    const { data, headers } = await app.octokit.request("GET /app/installations", toPageParameters(page));
    return { items: readWarned(Installation, data, { list: "installations of the App", warn }), headers };
  });
  const active = installations.filter(({ suspended_at: suspendedAt = null }) => suspendedAt === null);
  for (const { id, account } of active) {
    try {
      found.push(...(await listOfInstallation(app, Client, { id, warn })));
    } catch (error) {
      // Without an answer nothing is known of the others either.
      if (!isRefusal(error)) throw error;
      failure = error;
      refused.push(`GitHub refuses the installation ${id}${formatOwner(account)}: ${toMessage(error)}`);
    }
  }
  if (active.length > 0 && refused.length === active.length) throw failure;
  return { found, refused };
}

function formatOwner(account: unknown): string {
  return isMap(account) && typeof account["login"] === "string" ? ` of ${account["login"]}` : "";
}

function toMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function isRefusal(error: unknown): boolean {
  return [401, 403, 404].some((status) => hasStatus(error, status));
}

async function listOfInstallation(
  app: App,
  Client: typeof Octokit,
  { id, warn }: { readonly id: number; readonly warn: WarnOfRows },
): Promise<readonly InstalledRepository[]> {
  // Rare, so it does not matter that the previous token may still be valid.
  const options = { type: "installation", installationId: id, permissions: { metadata: "read" }, refresh: true };
  const created: unknown = await app.octokit.auth(options);
  const octokit = new Client({ auth: isMap(created) ? created["token"] : undefined });
  const repositories = await readPages(async (page) => {
    const { data, headers } = await octokit.request("GET /installation/repositories", toPageParameters(page));
    const list = `repositories of the installation ${id}`;
    return { items: readWarned(Repository, data.repositories, { list, warn }), headers };
  });
  return repositories.map((each) => ({ installation: id, repository: toRepository(each) }));
}

/** Lists the repositories that the user of a token may write to and that are not archived. */
export async function listTokenRepositories(octokit: Octokit, warn: WarnOfRows): Promise<readonly HookRepository[]> {
  const repositories = await readPages(async (page) => {
    const { data, headers } = await octokit.request("GET /user/repos", toPageParameters(page));
    return { items: readWarned(OwnRepository, data, { list: "repositories of the token", warn }), headers };
  });
  const used = repositories.filter(({ archived, permissions }) => !archived && permissions?.push === true);
  return used.map(toRepository);
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
