import { isMap } from "@stackyard/core";
import { type Static, Type } from "typebox";
import { createCache } from "../cache.ts";
import type { SentDelivery } from "../code-host.ts";
import type { HookRepository } from "../delivery/hook.ts";
import { readWarned, type WarnOfRows } from "../poll/read-rows.ts";
import { type GitLabClient, parse, toGitLabFault } from "./gitlab-client.ts";

// Sources: "Project webhooks API" and "Group webhooks API", GitLab Docs. Their responses are equal.
const OwnedHook = Type.Object({ id: Type.Integer(), url: Type.String() });
const HookEvent = Type.Object({
  id: Type.Integer(),
  request_headers: Type.Optional(Type.Unknown()),
  request_data: Type.Unknown(),
  // A number as text, or the failure before there was one.
  response_status: Type.Optional(Type.Union([Type.String(), Type.Integer(), Type.Null()])),
});
type HookEvent = Static<typeof HookEvent>;
const Rows = Type.Array(Type.Unknown());
const Group = Type.Object({ id: Type.Integer() });

/** Owner: who may list webhooks of a group. Source: "Group webhooks API", GitLab Docs. */
const OWNER = 50;
/** Webhooks are listed so often. */
const HOOKS_MS = 3_600_000;
/** GitLab's maximum page size. Source: `lib/api/hooks/events.rb` of GitLab. */
const PER_PAGE = 20;
/** The most pages of one webhook: 2,000 deliveries. */
const MOST_PAGES = 100;

/** The source of the deliveries to list. */
export interface DeliveryReaderInput {
  readonly client: GitLabClient;
  /** The end of the webhooks' address, such as `/hooks/gitlab`. */
  readonly path: string;
  /** True to include deliveries that GitLab counts as received. */
  readonly isAll: boolean;
  readonly listProjects: () => Promise<readonly HookRepository[]>;
  readonly now: () => number;
  readonly warn: WarnOfRows;
}

/** Creates a reader of deliveries to webhooks of projects and groups, which GitLab stores for seven days. */
export function createDeliveryReader({ client, path, isAll, listProjects, now, warn }: DeliveryReaderInput) {
  /** Paths of webhooks. */
  const cache = createCache<readonly string[]>(HOOKS_MS, now);

  /** Lists our webhooks of a project or group. The owner may lack the permission, or GitLab group webhooks. */
  async function listOwnHooks(owner: string): Promise<readonly string[]> {
    const found = await client.list(OwnedHook, `${owner}/hooks`).catch(unlessForbidden);
    const own = (found ?? []).filter(({ url }) => URL.parse(url)?.pathname.endsWith(path) === true);
    return own.map(({ id }) => `${owner}/hooks/${id}`);
  }

  async function listHooks(): Promise<readonly string[]> {
    const query = `min_access_level=${OWNER}&order_by=id&sort=asc`;
    const groups = await client.list(Group, `/groups?${query}`).catch(unlessForbidden);
    const owners = [
      ...(await listProjects()).map(({ id }) => `/projects/${id}`),
      ...(groups ?? []).map(({ id }) => `/groups/${id}`),
    ];
    const hooks: string[] = [];
    for (const owner of owners) hooks.push(...(await listOwnHooks(owner)));
    return hooks;
  }

  async function loadEvents(hook: string, query: string): Promise<readonly unknown[]> {
    const response = await client.send({ path: `${hook}/events?${query}` });
    return response === undefined ? [] : parse(Rows, await response.json());
  }

  /** Reads a whole page: the newest event may be one that cannot be read. */
  async function listNewest(hook: string): Promise<readonly HookEvent[]> {
    const rows = await loadEvents(hook, `per_page=${PER_PAGE}`);
    return readWarned(HookEvent, rows, { list: `${hook}/events`, warn }).slice(0, 1);
  }

  async function listSince(hook: string, since: number): Promise<readonly HookEvent[]> {
    const found: HookEvent[] = [];
    const status = isAll ? "" : "&status=client_failure,server_failure";
    for (let page = 1; page <= MOST_PAGES; page++) {
      const rows = await loadEvents(hook, `per_page=${PER_PAGE}&page=${page}${status}`);
      const events = readWarned(HookEvent, rows, { list: `${hook}/events`, warn });
      found.push(...events.filter(({ id }) => id > since));
      if (rows.length < PER_PAGE || events.some(({ id }) => id <= since)) return found;
    }
    return found;
  }

  return async (since: number | undefined): Promise<readonly SentDelivery[]> => {
    const found: SentDelivery[] = [];
    for (const hook of await cache("all", listHooks)) {
      const events = since === undefined ? await listNewest(hook) : await listSince(hook, since);
      found.push(...events.map(toSentDelivery));
    }
    return found.sort((a, b) => b.position - a.position);
  };
}

function unlessForbidden(error: unknown): undefined {
  if (toGitLabFault(error)?.kind !== "forbidden") throw error;
}

/** Numbers of deliveries grow over all webhooks of a GitLab. */
function toSentDelivery(event: HookEvent): SentDelivery {
  const { id, request_headers: headers, request_data: body, response_status: status } = event;
  const entries = Object.entries(isMap(headers) ? headers : {});
  return {
    id,
    position: id,
    headers: Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), String(value)])),
    isTaken: /^2\d\d$/.test(String(status)),
    body,
  };
}
