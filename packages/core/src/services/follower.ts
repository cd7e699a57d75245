import { StackyardError } from "../errors/stackyard-error.ts";
import type { Clock } from "../ports/clock.ts";
import type { Page, Records } from "../ports/records.ts";
import type { StoredHistoryEntry } from "../ports/stack-store.ts";
import type { StackQueries } from "../ports/store.ts";
import { notifyHistoryGap } from "./notices.ts";
import { openPosition } from "./stored-position.ts";

/** Dependencies of a follower. */
export interface FollowerDeps {
  readonly records: Records;
  readonly queries: Pick<StackQueries, "listHistory">;
  readonly clock: Pick<Clock, "now">;
}

/** Lines of the history that a follower has not handled yet. */
export interface FollowedLines {
  /** Oldest first. */
  readonly lines: readonly StoredHistoryEntry[];
  /**
   * Lines in between may have been pruned before they were read, or the store was restored: look at all stacks. It is
   * noticed.
   */
  readonly hasGap: boolean;
  /** More lines wait behind these. */
  readonly hasMore: boolean;
}

/** A page that was read, and the position that is stored once all of it is handled. */
export interface ReadLines extends FollowedLines {
  readonly end: number;
  /** False: the reader is at the end. */
  readonly isNew: boolean;
}

/**
 * Reads the yard's history from its stored position, under a name. Every line is handled at least once, even after a
 * crash: the position is stored after `handle`. It begins with the line after the newest at its first call.
 */
export interface Follower {
  /** Returns whether a call of `next` may have something to do. Writes nothing, and reads one line. */
  isBehind(): Promise<boolean>;
  /**
   * Hands over a page of new lines, and stores the position once `handle` has resolved. Without new lines nothing is
   * called.
   */
  next(handle: (followed: FollowedLines) => Promise<void>): Promise<{ readonly hasMore: boolean }>;
  /** Reads a page of new lines, for a caller that stores its position itself, such as after each line. */
  read(): Promise<ReadLines>;
  /** Stores that all lines up to this position are handled. Call `read` first. */
  keep(position: number): Promise<void>;
}

const PAGE = { limit: 200, maxBytes: 262_144 };

/**
 * Creates the follower of this name: 1 to 64 lower-case letters, digits and hyphens. One process at a time uses it.
 * `shown` is its name for people.
 */
export function createFollower(deps: FollowerDeps, name: string, shown: string = name): Follower {
  if (!/^[a-z][a-z0-9-]{0,63}$/.test(name))
    throw new StackyardError("USAGE", `"${name}" is not the name of a follower.`);
  const { queries } = deps;
  const stored = openPosition(deps, `followers/${name}`, shown);

  async function read(): Promise<ReadLines> {
    const position = await stored.load();
    if (position === undefined) {
      const end = await findNewestLine(queries);
      await stored.keep(end);
      return { lines: [], hasGap: false, hasMore: false, end, isNew: false };
    }
    const page = await queries.listHistory({}, { ...PAGE, cursor: String(position) });
    const end = Math.max(position, Number(page.cursor ?? 0), ...listPositions(page));
    if (end === position) return readAtEnd(deps, shown, position);
    const hasGap = await isPruned(queries, position);
    if (hasGap) await notifyHistoryGap(deps, shown, position);
    return { lines: page.items, hasGap, hasMore: page.cursor !== undefined, end, isNew: true };
  }

  return {
    read,
    keep: stored.keep,
    async isBehind() {
      const position = await stored.load();
      return position === undefined || position !== (await findNewestLine(queries));
    },
    async next(handle) {
      const { end, isNew, ...followed } = await read();
      if (isNew) await handle(followed);
      await stored.keep(end);
      return { hasMore: followed.hasMore };
    },
  };
}

/** Returns an answer without new lines. A restored store may be older than the follower's position: that is a gap. */
async function readAtEnd(deps: FollowerDeps, shown: string, position: number): Promise<ReadLines> {
  const newest = await findNewestLine(deps.queries);
  const isRestored = newest < position;
  if (isRestored) await notifyHistoryGap(deps, shown, position);
  return { lines: [], hasGap: isRestored, hasMore: false, end: isRestored ? newest : position, isNew: isRestored };
}

/** Returns true when lines behind this position may be gone: the oldest that remains is not the next one. */
async function isPruned(queries: FollowerDeps["queries"], position: number): Promise<boolean> {
  const [oldest = 0] = listPositions(await queries.listHistory({}, { limit: 1 }));
  return oldest > position + 1;
}

/** Returns the position of the newest line of the history; 0: it has none. */
export async function findNewestLine(queries: FollowerDeps["queries"]): Promise<number> {
  const [newest = 0] = listPositions(await queries.listHistory({ newestFirst: true }, { limit: 1 }));
  return newest;
}

/** Returns the positions of a page, including lines that cannot be read. */
function listPositions({ items, unreadable = [] }: Page<StoredHistoryEntry>): readonly number[] {
  return [...items.map(({ position }) => position), ...unreadable.map(({ id }) => Number(id))];
}
