import { areCommits, type CommitRange, findAddresses, toWebAddress } from "./commit-range.ts";

/** A value that changes: a commit, or a version that has a tag. */
export interface VersionChange {
  /** The key of the metadata. */
  readonly key: string;
  readonly before: string;
  readonly now: string;
  /** True: no other key changes, so that each address of the metadata is about this one. */
  readonly isOnly: boolean;
}

/** The versions between two values of a key, as its repository names them. */
export interface VersionRange extends CommitRange {
  /** The name of the earlier tag follows from that of the later one: only the code host knows whether it exists. */
  readonly isTag: boolean;
}

interface Candidate extends VersionRange {
  /** The key of the address. */
  readonly name: string;
}

/**
 * Returns where the commits between two values of a key are; undefined where the metadata does not say so. A version counts
 * with the address of its tag, such as `https://github.com/acme/shop/releases/tag/v1.42.0`. Of several addresses the one
 * whose key begins with this key is taken.
 */
export function findVersionRange(
  change: VersionChange,
  metadata: Readonly<Record<string, unknown>>,
): VersionRange | undefined {
  const { key, before, now } = change;
  if (before === now) return undefined;
  const found = Object.entries(metadata).flatMap(([name, value]): Candidate[] => {
    const url = typeof value === "string" ? toWebAddress(value) : undefined;
    const range = url && toRange(url, change, name.startsWith(key));
    return range === undefined ? [] : [{ ...range, name }];
  });
  const range = pickOnly(found) ?? pickOnly(found.filter(({ name }) => name.startsWith(key)));
  if (range === undefined) return areCommits(before, now) ? { before, now, isTag: false } : undefined;
  const { name: _, ...rest } = range;
  return rest;
}

/** Several addresses may lead to one comparison. */
function pickOnly(found: readonly Candidate[]): Candidate | undefined {
  return new Set(found.map(({ compareUrl }) => compareUrl)).size === 1 ? found[0] : undefined;
}

function toRange(url: URL, change: VersionChange, isNamed: boolean): VersionRange | undefined {
  const { before, now, isOnly } = change;
  const isTag = !areCommits(before, now);
  if (!isTag && !isOnly && !isNamed && !url.pathname.includes(now)) return undefined;
  const prefix = isTag ? findPrefix(url, now) : "";
  if (prefix === undefined) return undefined;
  const refs = [`${prefix}${before}`, `${prefix}${now}`] as const;
  if (isTag && !refs.every(isRef)) return undefined;
  const addresses = findAddresses(url, ...refs);
  return addresses && { before: refs[0], now: refs[1], isTag, ...addresses };
}

/** The page of a tag at GitHub or GitLab. */
const TAG = /\/(?:releases\/tag|-\/releases|-\/tags|tree)\/(.+)$/;

/** Returns what stands before the version in the tag of an address, such as `v` or `api-v`. */
function findPrefix({ pathname }: URL, now: string): string | undefined {
  const tag = decode(TAG.exec(pathname)?.[1] ?? "");
  if (!tag.endsWith(now)) return undefined;
  const prefix = tag.slice(0, tag.length - now.length);
  // `1.42.0` does not end `v11.42.0`.
  return /(?:^|[^0-9a-z.])v?$/i.test(prefix) ? prefix : undefined;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

/** Names that a range of revisions cannot be hidden in. */
function isRef(text: string): boolean {
  return /^[\w+@][\w.+/@-]{0,199}$/.test(text) && !text.includes("..");
}
