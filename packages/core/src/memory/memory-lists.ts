import { createPageBuilder, type Page, type PageInput } from "../ports/records.ts";

/** Returns the first items of a listing within the page's limits, and a cursor when there is one more. */
export function toPage<T>(items: readonly T[], page: PageInput, toCursor: (item: T) => string): Page<T> {
  const builder = createPageBuilder<T>(page);
  for (const item of items) {
    const cursor = toCursor(item);
    const bytes = Buffer.byteLength(JSON.stringify(item));
    if (!builder.add({ id: cursor, cursor, bytes, read: () => item })) break;
  }
  return builder.end();
}

/** Lists values of keys with this prefix, after the cursor, in order of the keys. */
export function listKeys<Value>(
  rows: ReadonlyMap<string, Value>,
  prefix: string,
  after: string | undefined,
): readonly Value[] {
  return [...rows]
    .filter(([key]) => key.startsWith(prefix) && (after === undefined || key > after))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, value]) => value);
}

/**
 * Returns a frozen copy of a JSON value, so that callers cannot change the content of a memory adapter. Like JSON it
 * drops undefined values; `__proto__` never becomes a key.
 */
export function toFrozen<Value>(value: Value): Value;
export function toFrozen(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return Object.freeze(value.map((item) => toFrozen(item)));
  // Each value of a yard passes here: pairs of keys and values were an eighth of all bytes that it allocates.
  const copy: Record<string, unknown> = { ...value };
  for (const key in copy) {
    const item = copy[key];
    if (item === undefined || key === "__proto__") delete copy[key];
    else if (typeof item === "object") copy[key] = toFrozen(item);
  }
  return Object.freeze(copy);
}
