import { StackyardError, type Store } from "@stackyard/core";
import type { StoredHistoryEntry } from "@stackyard/core/engine";

const PAGE = 200;
const MAX_BACKLOG = 10_000;

/** The position of the newest entry of the yard; 0 when there is none. */
export async function findNewestPosition(store: Store): Promise<number> {
  const { items } = await store.listHistory({ newestFirst: true }, { limit: 1 });
  return items[0]?.position ?? 0;
}

/**
 * The entries after a position, oldest first. Reads from the newest back, so it costs what is new, whatever the
 * store's cursors look like. Throws `NOT_FOUND` when more than 10,000 entries lie between: then the lists are the way.
 */
export async function loadHistoryAfter(
  store: Store,
  filter: { readonly stackId?: string },
  position: number,
): Promise<readonly StoredHistoryEntry[]> {
  const found: StoredHistoryEntry[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.listHistory(
      { ...filter, newestFirst: true },
      { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) },
    );
    const fresh = page.items.filter((entry) => entry.position > position);
    found.push(...fresh);
    if (found.length > MAX_BACKLOG) throw tooFarBack(position);
    cursor = fresh.length < page.items.length ? undefined : page.cursor;
  } while (cursor !== undefined);
  return found.reverse();
}

function tooFarBack(position: number): StackyardError {
  return new StackyardError(
    "NOT_FOUND",
    `More than ${MAX_BACKLOG} entries follow position ${position}. Page through the history, then watch from its end.`,
  );
}
