import type { Store } from "../../ports/store.ts";
import type { StackChanges } from "./yard-service.ts";

const PAGE = 500;
/** More lines than that since the mark are not read: then it is cheaper to look at the stacks. */
const MOST_PAGES = 4;

/** Returns which stacks have changed since a mark, by the lines of the history: each change of a stack has one. */
export async function findChanges(
  { queries }: Pick<Store, "queries">,
  mark: string | undefined,
): Promise<StackChanges> {
  if (mark === undefined) return { mark: await findNewest(queries) };
  const stacks = new Set<string>();
  let cursor = mark;
  for (let pages = 0; pages < MOST_PAGES; pages += 1) {
    const { items, unreadable = [], cursor: next } = await queries.listHistory({}, { limit: PAGE, cursor });
    // The content of an unreadable line is unknown.
    if (unreadable.length > 0) break;
    for (const { stackId } of items) stacks.add(stackId);
    cursor = next ?? String(items.at(-1)?.position ?? cursor);
    if (next === undefined) return { mark: cursor, stacks };
  }
  return { mark: await findNewest(queries) };
}

async function findNewest(queries: Store["queries"]): Promise<string> {
  const { items, unreadable = [] } = await queries.listHistory({ newestFirst: true }, { limit: 1 });
  return String(items[0]?.position ?? unreadable[0]?.id ?? 0);
}
