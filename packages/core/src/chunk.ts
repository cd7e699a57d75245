/** Splits a list into parts of `size` items, in order; only the last one may be shorter. An empty list has no parts. */
export function chunk<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size));
}
