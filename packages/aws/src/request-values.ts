/** Splits a list into parts of at most `size` items. An empty list has no parts. */
export function chunk<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size));
}

/**
 * Escapes a value for filters of EC2, in which `*` and `?` are wildcards and a backslash escapes them. Source: EC2 user
 * guide, "Filtering considerations".
 */
export function escapeFilterValue(text: string): string {
  return text.replaceAll(/[\\*?]/g, "\\$&");
}
