/** A commit of a simulated repository. */
export interface SimCommit {
  readonly id: string;
  /** Undefined: the first one. */
  readonly parent?: string;
  readonly message: string;
  readonly author?: string;
  /** ISO 8601. */
  readonly at?: string;
}

/** What two commits have in common, and what only one of them has, each the oldest first. */
export interface SimComparison {
  readonly onlyBefore: readonly SimCommit[];
  readonly onlyNow: readonly SimCommit[];
}

/** Compares two commits, given by their beginnings; undefined where one is unknown, or they have no common ancestor. */
export function compareSimCommits(
  commits: readonly SimCommit[],
  before: string,
  now: string,
): SimComparison | undefined {
  const [ofBefore, ofNow] = [listAncestors(commits, before), listAncestors(commits, now)];
  const isCommon = ofNow.some((commit) => ofBefore.includes(commit));
  if (!isCommon) return undefined;
  return {
    onlyBefore: ofBefore.filter((commit) => !ofNow.includes(commit)).toReversed(),
    onlyNow: ofNow.filter((commit) => !ofBefore.includes(commit)).toReversed(),
  };
}

function listAncestors(commits: readonly SimCommit[], start: string): readonly SimCommit[] {
  const found: SimCommit[] = [];
  let next = commits.find(({ id }) => id.startsWith(start));
  while (next !== undefined) {
    found.push(next);
    const { parent } = next;
    next = commits.find(({ id }) => id === parent);
  }
  return found;
}
