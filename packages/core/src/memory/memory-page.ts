import { createPageBuilder } from "../ports/page-builder.ts";
import type { Page, PageInput } from "../ports/records.ts";

// What is listed is frozen or replaced as a whole, so its size never changes.
const sizes = new WeakMap<object, number>();

/** The first items of a listing within the page's limits, and a cursor when there is one more. */
export function toPage<T extends object>(items: Iterable<T>, page: PageInput, toCursor: (item: T) => string): Page<T> {
  const builder = createPageBuilder<T>(page);
  for (const item of items) {
    const cursor = toCursor(item);
    if (!builder.add({ id: cursor, cursor, bytes: sizeOf(item), read: () => item })) break;
  }
  return builder.end();
}

function sizeOf(item: object): number {
  const known = sizes.get(item);
  if (known !== undefined) return known;
  const bytes = Buffer.byteLength(JSON.stringify(item));
  sizes.set(item, bytes);
  return bytes;
}
