import type { Stack } from "../machine/stack.ts";
import type { Store } from "../ports/store.ts";

/** Which stacks a store seems to have. */
export interface ManyStacksInput {
  readonly machine: string;
  readonly count: number;
  /** Returns the stack at a place, from the one that is there. */
  readonly toStack: (only: Stack, index: number) => Stack;
  /** Called before each page, with the place at which it begins. */
  readonly onPage?: (start: number) => void;
}

/**
 * Returns a store that lists many stacks of a machine although it has one: the others are made of it anew for each page,
 * so only who lists them keeps them. Nothing else knows them.
 */
export function withManyStacks(store: Store, { machine, count, toStack, onPage }: ManyStacksInput): Store {
  const listStacks: Store["queries"]["listStacks"] = async (filter, page) => {
    const [only] = (await store.queries.listStacks(filter, { limit: 1, sort: "id" })).items;
    if (only === undefined || filter.machine !== machine) return store.queries.listStacks(filter, page);
    const start = Number(page.cursor ?? 0);
    onPage?.(start);
    const places = Array.from({ length: Math.min(page.limit, count - start) }, (_, index) => start + index);
    const items = places.map((place) => {
      const { stack, ...rest } = structuredClone(only);
      return { ...rest, stack: toStack(stack, place) };
    });
    const next = start + page.limit;
    return { items, ...(next < count && { cursor: String(next) }) };
  };
  return { ...store, queries: { ...store.queries, listStacks } };
}
