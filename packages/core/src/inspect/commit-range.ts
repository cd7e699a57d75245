import type { Stack } from "../machine/stack.ts";

type Metadata = Readonly<Record<string, unknown>>;

/** The commits between two versions of a stack. */
export interface CommitRange {
  readonly before: string;
  readonly now: string;
  /** The repository at its code host; undefined where no address of the metadata says which one that is. */
  readonly repositoryUrl?: string;
  /** Where the code host lists the commits. */
  readonly compareUrl?: string;
}

const COMMIT = /^[0-9a-f]{7,64}$/i;

/** The form of a code host's addresses: of what belongs to a repository, and of a comparison. */
type Host = readonly [RegExp, (repository: string, before: string, now: string) => string];

const BITBUCKET: Host = [
  /^(\/[^/]+\/[^/]+)\/(?:pull-requests|commits|branch)(?:\/|$)/,
  // The newer one is the first.
  (repository, before, now) => `${repository}/branches/compare/${now}%0D${before}`,
];

/** GitLab and GitHub, which may have any domain. */
const OTHERS: readonly Host[] = [
  [
    /^(.+)\/-\/(?:merge_requests|commit|tree|tags|releases|pipelines|jobs)(?:\/|$)/,
    (repository, before, now) => `${repository}/-/compare/${before}...${now}`,
  ],
  [
    /^(\/[^/]+\/[^/]+)\/(?:pull|commits?|tree|actions|releases)(?:\/|$)/,
    (repository, before, now) => `${repository}/compare/${before}...${now}`,
  ],
];

/**
 * Returns which commits a stack has got since an earlier version of it; undefined where its commit is the same, or not known.
 * The addresses are made of one of its metadata, such as that of its pull request.
 */
export function findCommitRange(
  { commit: old }: Pick<Stack, "commit">,
  { commit }: Pick<Stack, "commit">,
  metadata: Metadata,
): CommitRange | undefined {
  if (old?.id === undefined || commit?.id === undefined || old.id === commit.id) return undefined;
  return { before: old.id, now: commit.id, ...findAddressesOf(metadata, old.id, commit.id) };
}

/** Returns true for two commits. Numbers, such as those of accounts and builds, are not commits. */
export function areCommits(before: string, now: string): boolean {
  return COMMIT.test(now) && COMMIT.test(before) && /[a-f]/i.test(before + now);
}

type Addresses = Omit<CommitRange, "before" | "now">;

function findAddressesOf(metadata: Metadata, before: string, now: string): Addresses {
  for (const value of Object.values(metadata)) {
    const url = typeof value === "string" ? toWebAddress(value) : undefined;
    const found = url && findAddresses(url, before, now);
    if (found !== undefined) return found;
  }
  return {};
}

/** Returns the repository of an address, and where it compares two revisions; undefined where the address has none. */
export function findAddresses({ hostname, origin, pathname }: URL, before: string, now: string): Addresses | undefined {
  for (const [pattern, toPath] of hostname === "bitbucket.org" ? [BITBUCKET] : OTHERS) {
    const [, repository] = pattern.exec(pathname) ?? [];
    if (repository === undefined) continue;
    return { repositoryUrl: `${origin}${repository}`, compareUrl: `${origin}${toPath(repository, before, now)}` };
  }
  return undefined;
}

/** Returns an http or https address without credentials; undefined for everything else. */
export function toWebAddress(text: string): URL | undefined {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.username === "" && url.password === "" ? url : undefined;
}
