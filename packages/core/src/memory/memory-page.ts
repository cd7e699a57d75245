import type { Page, PageInput } from "../ports/records.ts";

/** The first items of a listing, and a cursor when there is one more. */
export function toPage<T>(items: Iterable<T>, page: PageInput, toCursor: (item: T) => string): Page<T> {
  const taken: T[] = [];
  for (const item of items) {
    const last = taken[page.limit - 1];
    if (last !== undefined) return { items: taken, cursor: toCursor(last) };
    taken.push(item);
  }
  return { items: taken };
}
