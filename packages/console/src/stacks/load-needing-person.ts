import type { MainCondition, Page, StackFilter, StackSummary } from "@stackyard/sdk";
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

/** All stacks: those that need a person by their condition, then the others. */
const WORST_FIRST: readonly StackPart[] = [...NEEDY_PARTS, { needsPerson: false }];

/**
 * Loads a page of all stacks, the worst first. The list is fetched with each change: as long as the stacks that need a person
 * fit the first page, one request is for all of them, and they are put into their order here.
 */
export async function loadWorstFirst<Item extends Pick<StackSummary, "mainCondition">>(
  part: PagePart,
  load: (list: StackPart, part: PagePart) => Promise<Page<Item>>,
): Promise<Page<Item>> {
  if (part.cursor !== undefined) return loadInTurn(WORST_FIRST, part, load);
  const needy = await load({ needsPerson: true }, part);
  if (needy.cursor !== undefined) return loadInTurn(WORST_FIRST, part, load);
  const items = needy.items.toSorted((a, b) => placeOf(a) - placeOf(b));
  const limit = part.limit - items.length;
  const cursor = `${NEEDY_PARTS.length}:`;
  if (limit === 0) return { items, cursor };
  const others = await loadInTurn(WORST_FIRST, { ...part, cursor, limit }, load);
  return { ...others, items: [...items, ...others.items] };
}

const ORDER: readonly (MainCondition | undefined)[] = NEEDS_PERSON;

/** Returns the place of a condition, the worst first. */
function placeOf({ mainCondition }: Pick<StackSummary, "mainCondition">): number {
  const place = ORDER.indexOf(mainCondition);
  return place === -1 ? ORDER.length : place;
}

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
