import type { Page, StackFilter } from "@stackyard/sdk";
import { NEEDS_PERSON } from "../api/use-main-conditions.ts";
import type { PagePart } from "../api/use-pages.ts";

/** The part of the address for stacks that have one of several conditions. */
export const PERSON = "person";

/** Stacks that are listed one after another. */
export type StackPart = Pick<StackFilter, "mainCondition" | "needsPerson">;

/** The stacks that need a person, the worst first. */
export const NEEDY_PARTS: readonly StackPart[] = NEEDS_PERSON.map((mainCondition) => ({
  mainCondition,
  needsPerson: true,
}));

/** All stacks, those that need a person first: two requests, since the list is fetched with each change. */
export const NEEDY_FIRST: readonly StackPart[] = [{ needsPerson: true }, { needsPerson: false }];

/**
 * Loads a page of several lists, one after another. Pages are full but for the last one: rows are found by their number.
 * A cursor is the place of a list, and the cursor within it.
 */
export async function loadInTurn<List, Item>(
  lists: readonly List[],
  { cursor = "0:", limit, signal }: PagePart,
  load: (list: List, part: PagePart) => Promise<Page<Item>>,
): Promise<Page<Item>> {
  const items: Item[] = [];
  let place = parseCursor(cursor);
  for (;;) {
    const list = lists[place.index];
    if (list === undefined) return { items };
    const rest = { limit: limit - items.length, signal, ...(place.cursor !== "" && { cursor: place.cursor }) };
    const page = await load(list, rest);
    items.push(...page.items);
    place = page.cursor === undefined ? { index: place.index + 1, cursor: "" } : { ...place, cursor: page.cursor };
    if (items.length >= limit) return { items, cursor: `${place.index}:${place.cursor}` };
  }
}

function parseCursor(text: string): { readonly index: number; readonly cursor: string } {
  const at = text.indexOf(":");
  return { index: Number(text.slice(0, at)), cursor: text.slice(at + 1) };
}
