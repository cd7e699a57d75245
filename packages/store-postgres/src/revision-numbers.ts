import { RecentMap } from "@stackyard/core";
/** Numbers of stored revisions, by which lines of the history refer to them. */
export interface RevisionNumbers {
  /** Returns the number of a revision; undefined for one that this process has neither stored nor read. */
  find(hash: string): number | undefined;
  /** Notes that a revision is stored, and which of the stored ones its number means. */
  note(hash: string, meant: string | null): void;
}

/** Far more than a process uses at a time. */
const MOST = 10_000;
const HASH = /^[0-9a-f]{64}$/;
/** Hexadecimal digits that a whole number can hold. */
const DIGITS = 13;

/**
 * Returns the number of a revision: the beginning of its hash, so that it never means another one, even in a database that
 * was restored from an earlier state. Null for a hash of another form.
 */
export function toRevisionNumber(hash: string): number | null {
  return HASH.test(hash) ? Number.parseInt(hash.slice(0, DIGITS), 16) : null;
}

/** Creates the numbers that one process knows. */
export function createRevisionNumbers(): RevisionNumbers {
  const known = new RecentMap<string, number>(MOST);
  return {
    find: (hash) => known.get(hash),
    note(hash, meant) {
      const number = toRevisionNumber(hash);
      // The number of two revisions means the first.
      if (number === null || meant !== hash) return;
      known.set(hash, number);
    },
  };
}
