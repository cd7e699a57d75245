import { chunk } from "../chunk.ts";
import type { RolloutState } from "./decide-rollout.ts";
import { type Row, toTallies } from "./tally.ts";

/** A rollout and those pages of its items that are needed now. */
export interface Paged<Item, State extends RolloutState = RolloutState> {
  readonly state: State;
  readonly pages: ReadonlyMap<number, readonly Item[]>;
}

/** Returns the view of an item that a rollout counts. */
export type ToRow<Item> = (item: Item) => Row;

/** Returns the items of the loaded pages, in order. */
export function listItems<Item>({ pages }: Pick<Paged<Item>, "pages">): readonly Item[] {
  return [...pages].toSorted(([a], [b]) => a - b).flatMap(([, items]) => items);
}

/** Changes items of the loaded pages, and their tallies; `change` returns the same object if nothing changes. */
export function updateItems<Item, State extends RolloutState>(
  { state, pages }: Paged<Item, State>,
  toRow: ToRow<Item>,
  change: (item: Item) => Item,
): Paged<Item, State> {
  const changedPages = new Map(pages);
  const tallies = [...state.tallies];
  for (const [number, items] of pages) {
    const changed = items.map(change);
    if (changed.every((item, index) => item === items[index])) continue;
    changedPages.set(number, changed);
    tallies[number] = toTallies(changed.map(toRow));
  }
  return { state: { ...state, tallies }, pages: changedPages };
}

/** Appends items on the last page, which must be loaded, and on new ones. */
export function addItems<Item, State extends RolloutState>(
  { state, pages }: Paged<Item, State>,
  added: readonly Item[],
  { pageRows, toRow }: { readonly pageRows: number; readonly toRow: ToRow<Item> },
): Paged<Item, State> {
  if (added.length === 0) return { state, pages };
  const changedPages = new Map(pages);
  const tallies = [...state.tallies];
  const last = Math.max(0, tallies.length - 1);
  const items = [...(pages.get(last) ?? []), ...added];
  for (const [index, part] of chunk(items, pageRows).entries()) {
    changedPages.set(last + index, part);
    tallies[last + index] = toTallies(part.map(toRow));
  }
  return { state: { ...state, tallies }, pages: changedPages };
}
