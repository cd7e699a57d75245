import { createPageBuilder, type Page, type PageInput } from "../ports/records.ts";

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

/** Keys in order, for lists. Additions are cheap; they are sorted when the next list is read. */
interface SortedKeys {
  add(key: string): void;
  /** Keys that begin so, after the cursor, in order. */
  list(prefix: string, after: string | undefined): Generator<string>;
}

/** `has` returns whether a key still exists; the others are dropped while sorting. */
export function createSortedKeys(has: (key: string) => boolean): SortedKeys {
  let sorted: string[] = [];
  const added = new Set<string>();

  function sortIn(): void {
    if (added.size === 0) return;
    for (const key of sorted) added.add(key);
    sorted = [...added].filter(has).sort(compareKeys);
    added.clear();
  }

  return {
    add(key) {
      added.add(key);
    },
    *list(prefix, after) {
      sortIn();
      const keys = sorted;
      for (let index = findStart(keys, prefix, after); index < keys.length; index += 1) {
        const key = keys[index];
        if (key === undefined || !key.startsWith(prefix)) return;
        if (has(key)) yield key;
      }
    },
  };
}

function compareKeys(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** The first index at or after the prefix and after the cursor. */
function findStart(keys: readonly string[], prefix: string, after: string | undefined): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const key = keys[middle] ?? "";
    if (key < prefix || (after !== undefined && key <= after)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * A frozen copy of a JSON value, so that callers cannot change what a memory adapter contains. Like JSON it drops what is
 * undefined; `__proto__` never becomes a key.
 */
export function toFrozen<Value>(value: Value): Value;
export function toFrozen(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return Object.freeze(value.map((item) => toFrozen(item)));
  const copy: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    if (item !== undefined && key !== "__proto__") copy[key] = toFrozen(item);
  }
  return Object.freeze(copy);
}
