import { StackyardError } from "../errors/stackyard-error.ts";
import { isMap } from "../machine/json.ts";
import type { Clock } from "../ports/clock.ts";
import type { Page, Records, StoredRecord } from "../ports/records.ts";
import type { StoredHistoryEntry } from "../ports/stack-store.ts";
import type { StackQueries } from "../ports/store.ts";
import { notifyHistoryGap } from "./notices.ts";

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
}

const PAGE = { limit: 200, maxBytes: 262_144 };

/** Creates the follower of this name: 1 to 64 lower-case letters, digits and hyphens. One process at a time uses it. */
export function createFollower(deps: FollowerDeps, name: string): Follower {
  if (!/^[a-z][a-z0-9-]{0,63}$/.test(name))
    throw new StackyardError("USAGE", `"${name}" is not the name of a follower.`);
  const { records, queries, clock } = deps;
  const key = `followers/${name}`;

  async function save(found: StoredRecord | undefined, position: number): Promise<void> {
    const expected = found?.version ?? "absent";
    const put = await records.put({ key, value: { position }, expected, now: clock.now() });
    // Another process handles the same lines. Its position is as good as this one.
    if (put.kind === "conflict") throw new StackyardError("RECORD_CONFLICT", `Two processes follow as "${name}".`);
  }

  return {
    async isBehind() {
      const position = toPosition((await records.get(key, clock.now()))?.value);
      return position === undefined || position !== (await findNewest(queries));
    },
    async next(handle) {
      const found = await records.get(key, clock.now());
      const position = toPosition(found?.value);
      if (position === undefined) {
        await save(found, await findNewest(queries));
        return { hasMore: false };
      }
      const page = await queries.listHistory({}, { ...PAGE, cursor: String(position) });
      const last = Math.max(position, Number(page.cursor ?? 0), ...listPositions(page));
      if (last === position) {
        const newest = await findNewest(queries);
        if (newest >= position) return { hasMore: false };
        // A restored store may be older than the follower's position.
        await notifyHistoryGap(deps, name, position);
        await handle({ lines: [], hasGap: true, hasMore: false });
        await save(found, newest);
        return { hasMore: false };
      }
      const hasMore = page.cursor !== undefined;
      const hasGap = await isPruned(queries, position);
      if (hasGap) await notifyHistoryGap(deps, name, position);
      await handle({ lines: page.items, hasGap, hasMore });
      await save(found, last);
      return { hasMore };
    },
  };
}

/** Returns true when lines behind this position may be gone: the oldest that remains is not the next one. */
async function isPruned(queries: FollowerDeps["queries"], position: number): Promise<boolean> {
  const [oldest = 0] = listPositions(await queries.listHistory({}, { limit: 1 }));
  return oldest > position + 1;
}

async function findNewest(queries: FollowerDeps["queries"]): Promise<number> {
  const [newest = 0] = listPositions(await queries.listHistory({ newestFirst: true }, { limit: 1 }));
  return newest;
}

/** Returns the positions of a page, including lines that cannot be read. */
function listPositions({ items, unreadable = [] }: Page<StoredHistoryEntry>): readonly number[] {
  return [...items.map(({ position }) => position), ...unreadable.map(({ id }) => Number(id))];
}

function toPosition(value: unknown): number | undefined {
  const position = isMap(value) ? value["position"] : undefined;
  return typeof position === "number" ? position : undefined;
}
