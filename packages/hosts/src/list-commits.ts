import { type CommitList, type CommitQuery, matchesGlob, type PluginService } from "@stackyard/core";
import { type Cache, createCache } from "./cache.ts";
import type { CodeHost } from "./code-host.ts";
import type { CodeHosts } from "./code-hosts.ts";
import type { NamedHost } from "./delivery/receive.ts";
import type { HostOptions } from "./host-options.ts";

/** A page is read again and again; people may allow what was refused. */
const KEPT_MS = 60_000;

const PUBLIC = { github: "https://github.com", gitlab: "https://gitlab.com" };

/**
 * Creates what lists commits for people who read a stack. The metadata of a stack names the repository, and any sender of
 * its events can write that, so only repositories are read that the option `commits` of their host names.
 */
export function createCommitLister(
  hosts: readonly NamedHost[],
  codeHosts: CodeHosts,
): NonNullable<PluginService["listCommits"]> {
  let cached: Cache<CommitList> | undefined;
  return async (query, deps, signal) => {
    const found = findRepository(hosts, query.repositoryUrl);
    if (found === undefined) return undefined;
    const { host, repository } = found;
    if (!mayList(host.options, repository)) {
      return unknown(`The option "commits" of the code host "${host.name}" does not name ${repository}.`);
    }
    const codeHost = await codeHosts.open(host.name, deps);
    if (codeHost === undefined) return unknown(`The code host "${host.name}" has no token or App to read with.`);
    cached ??= createCache<CommitList>(KEPT_MS, () => deps.clock.now());
    const key = JSON.stringify([host.name, repository, query.before, query.now]);
    const list: Promise<CommitList> = cached(key, () => compare(codeHost, found, { ...query, signal }));
    try {
      return await list;
    } catch (error) {
      const reason = toReason(codeHost, error, { host: host.name, repository });
      if (reason === undefined) throw error;
      return unknown(reason);
    }
  };
}

function unknown(reason: string): CommitList {
  return { kind: "unknown", reason };
}

interface FoundRepository {
  readonly host: NamedHost;
  /** Such as `acme/shop`. */
  readonly repository: string;
}

/** Returns the host of an address, and the repository there; undefined when no host of the options is there. */
function findRepository(hosts: readonly NamedHost[], repositoryUrl: string): FoundRepository | undefined {
  for (const host of hosts) {
    const { options } = host;
    if (options.type === "standard") continue;
    const base = (options.url ?? PUBLIC[options.type]).replace(/\/$/, "");
    if (!repositoryUrl.startsWith(`${base}/`)) continue;
    const repository = repositoryUrl.slice(base.length + 1);
    if (NAMES[options.type].test(repository)) return { host, repository };
  }
  return undefined;
}

/** GitLab has groups in groups. No segment consists of dots. */
const NAMES = {
  github: /^(?!\.+(?:\/|$))[\w.-]+\/(?!\.+$)[\w.-]+$/,
  gitlab: /^(?:(?!\.+\/)[\w.-]+\/)+(?!\.+$)[\w.-]+$/,
};

function mayList(options: HostOptions, repository: string): boolean {
  const patterns = options.type === "standard" ? [] : (options.commits ?? []);
  return patterns.some((pattern) => matchesGlob(pattern, repository));
}

/** Compares the commits. The host may have moved the repository: the option must name where it is now, too. */
async function compare(
  codeHost: CodeHost,
  { host, repository }: FoundRepository,
  { before, now, signal }: CommitQuery & { readonly signal: AbortSignal },
): Promise<CommitList> {
  const name = await codeHost.findName(repository, signal);
  const isMoved = name !== undefined && name.toLowerCase() !== repository.toLowerCase();
  if (isMoved && !mayList(host.options, name)) {
    return unknown(
      `${repository} was moved, and the option "commits" of the code host "${host.name}" does not name its new place.`,
    );
  }
  const found = name && (await codeHost.compare(name, { before, now, signal }));
  if (found) return { kind: "commits", ...found };
  const why = "they have no common ancestor, as after a force push, or Stackyard may not read it";
  return unknown(`${repository} does not have both commits any more, ${why}.`);
}

function toReason(
  codeHost: CodeHost,
  error: unknown,
  { host, repository }: { readonly host: string; readonly repository: string },
): string | undefined {
  const fault = codeHost.toFault(error);
  switch (fault?.kind) {
    case undefined:
      return undefined;
    case "waiting":
      return `The code host "${host}" asks to wait until ${new Date(fault.until).toISOString()}.`;
    case "unauthorized":
      return `The token of the code host "${host}" is not valid any more.`;
    case "forbidden":
      return `The token of the code host "${host}" may not read the commits of ${repository}.`;
    case "refused":
      return `The code host "${host}" refused to compare the commits of ${repository}.`;
    case "down":
      return `The code host "${host}" does not answer.`;
  }
}
