import type { MainCondition, Page } from "@stackyard/sdk";
import type { PagePart } from "../api/use-pages.ts";

/** The part of the address for stacks that have one of several conditions. */
export const PERSON = "person";

/**
 * Loads a page of the stacks with one of several conditions, those of the first condition first. Pages are full but for
 * the last one: rows are found by their number. A cursor is the place of a condition, and the cursor within it.
 */
export async function loadOfConditions<Item>(
  conditions: readonly MainCondition[],
  { cursor = "0:", limit, signal }: PagePart,
  load: (condition: MainCondition, part: PagePart) => Promise<Page<Item>>,
): Promise<Page<Item>> {
  const items: Item[] = [];
  let place = parseCursor(cursor);
  for (;;) {
    const condition = conditions[place.index];
    if (condition === undefined) return { items };
    const rest = { limit: limit - items.length, signal, ...(place.cursor !== "" && { cursor: place.cursor }) };
    const page = await load(condition, rest);
    items.push(...page.items);
    place = page.cursor === undefined ? { index: place.index + 1, cursor: "" } : { ...place, cursor: page.cursor };
    if (items.length >= limit) return { items, cursor: `${place.index}:${place.cursor}` };
  }
}

function parseCursor(text: string): { readonly index: number; readonly cursor: string } {
  const at = text.indexOf(":");
  return { index: Number(text.slice(0, at)), cursor: text.slice(at + 1) };
}
