import { Type } from "typebox";
import { createCache } from "../cache.ts";
import type { CodeHost } from "../code-host.ts";
import type { HookRepository } from "../delivery/hook.ts";
import type { HostPermission } from "../host-permission.ts";
import { readRows } from "../poll/read-rows.ts";
import { compareCommits } from "./compare-commits.ts";
import {
  createGitLabClient,
  type GitLabInput,
  parse,
  REQUEST_MS,
  toGitLabFault,
  toProjectPath,
} from "./gitlab-client.ts";
import { createGitLabReports } from "./gitlab-reports.ts";
import { createDeliveryReader } from "./list-deliveries.ts";
import { GitLabProject, GitLabPull, toHookPull, toProject } from "./parse-delivery.ts";

/** The time for which a revoked permission remains valid, in milliseconds. */
const PERMISSION_MS = 60_000;
const PROJECTS_MS = 3_600_000;
/** Until the last byte of an archive. */
const ARCHIVE_MS = 600_000;
/** Reporter: who may read the code. Source: "Roles and permissions" and "Members API", GitLab Docs. */
const REPORTER = 20;
const DEVELOPER = 30;
const MAINTAINER = 40;
const OWNER = 50;

const Named = Type.Object({ path_with_namespace: Type.String() });
// Only tags have a target: their own object where they are annotated.
const Ref = Type.Object({ target: Type.Optional(Type.String()), commit: Type.Object({ id: Type.String() }) });
const Member = Type.Object({ username: Type.String(), access_level: Type.Integer() });

/** Stackyard's identity at GitLab, and its own deliveries. */
export interface GitLabHostInput extends GitLabInput {
  /** The end of the address of its webhooks, such as `/hooks/gitlab`. */
  readonly hookPath: string;
  /** True to read deliveries that GitLab counts as received, too. */
  readonly readsAll: boolean;
}

/** Creates the client of a GitLab. */
export function createGitLab(input: GitLabHostInput): CodeHost {
  const { now, hookPath, readsAll, warn = () => undefined } = input;
  const client = createGitLabClient(input);
  const permissions = createCache<HostPermission>(PERMISSION_MS, now);
  const projects = createCache<readonly HookRepository[]>(PROJECTS_MS, now);
  const listProjects = () =>
    projects("all", async () => {
      const query = `membership=true&archived=false&simple=true&min_access_level=${REPORTER}&order_by=id&sort=asc`;
      return ((await client.list(GitLabProject, `/projects?${query}`)) ?? []).map(toProject);
    });

  return {
    reports: createGitLabReports(client),
    toFault: toGitLabFault,
    async findPull(repository, number) {
      const merge = await client.read(GitLabPull, `${toProjectPath(repository.id)}/merge_requests/${number}`);
      return merge && toHookPull(merge);
    },
    async findRef({ id }, ref) {
      const [, kind, name = ""] = /^refs\/(heads|tags)\/(.+)$/.exec(ref) ?? [];
      const inside = `${toProjectPath(id)}/repository/${kind === "tags" ? "tags" : "branches"}/${encodeURIComponent(name)}`;
      const found = await client.read(Ref, inside);
      // GitLab answers 404 also about a project that it does not show.
      if (found === undefined) await client.write(Type.Object({ id: Type.Integer() }), { path: toProjectPath(id) });
      return found?.target ?? found?.commit.id;
    },
    findPermission: (repository, login) =>
      permissions(`${repository.id} ${login}`, async () => {
        // The query also matches names, so the result is filtered by login.
        const path = `${toProjectPath(repository.id)}/members/all?query=${encodeURIComponent(login)}`;
        const members = (await client.list(Member, path)) ?? [];
        const levels = members.filter(({ username }) => username === login).map((member) => member.access_level);
        return toPermission(Math.max(0, ...levels));
      }),
    listRepositories: listProjects,
    async listOpenPulls(repository, onUnread) {
      // The position of a merge request is stable, so that one that changes meanwhile is never on two pages.
      const query = "state=opened&scope=all&order_by=created_at&sort=asc";
      const rows = await client.list(Type.Unknown(), `${toProjectPath(repository.id)}/merge_requests?${query}`);
      if (rows === undefined) return undefined;
      const { read, unread } = readRows(GitLabPull, rows, "iid");
      for (const number of unread) onUnread?.(number);
      return read.map(toHookPull);
    },
    listDeliveries: createDeliveryReader({ client, path: hookPath, isAll: readsAll, listProjects, now, warn }),
    findDeliveryBody: async () => undefined,
    async findName(repository, signal) {
      const ended = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]);
      const response = await client.send({ path: toProjectPath(repository), signal: ended });
      return response && parse(Named, await response.json()).path_with_namespace;
    },
    compare: (repository, range) => compareCommits(client, repository, range),
    async openArchive(repository, commit, signal) {
      const path = `${toProjectPath(repository)}/repository/archive.tar.gz?sha=${encodeURIComponent(commit)}`;
      const ended = AbortSignal.any([signal, AbortSignal.timeout(ARCHIVE_MS)]);
      const response = await client.send({ path, signal: ended, isArchive: true });
      return response?.body ?? undefined;
    },
  };
}

function toPermission(level: number): HostPermission {
  if (level >= OWNER) return "admin";
  if (level >= MAINTAINER) return "maintain";
  if (level >= DEVELOPER) return "write";
  // It labels merge requests, and does not push.
  return level >= REPORTER ? "triage" : "none";
}
