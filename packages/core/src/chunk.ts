/**
 * Splits a list into parts of `size` items, in order; only the last one may be shorter. An empty list has no parts. Throws `RangeError`
 * for a size that is not a positive whole number: with it, items would be in no part, or in several.
 */
export function chunk<Item>(items: readonly Item[], size: number): Item[][] {
  if (!Number.isInteger(size) || size < 1)
    throw new RangeError(`Parts of ${size} items: the size is a whole number from 1.`);
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size));
}
