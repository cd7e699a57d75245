import { RecentMap } from "../machine/recent-map.ts";
import type { Revisions } from "../ports/store.ts";

const MOST_NAMES = 10_000;

/** Creates a finder of the machine of a revision. It never changes, so it is read once. Undefined: it is not stored. */
export function createRevisionNames(revisions: Pick<Revisions, "get">): (hash: string) => Promise<string | undefined> {
  const names = new RecentMap<string, string>(MOST_NAMES);
  return async (hash) => {
    const known = names.get(hash);
    if (known !== undefined) return known;
    const name = (await revisions.get(hash))?.name;
    if (name !== undefined) names.set(hash, name);
    return name;
  };
}
