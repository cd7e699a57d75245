/** Formats names for a sentence: at most so many; the others are counted. */
export function formatNames(names: readonly string[], most = 10, separator = ", "): string {
  const more = names.length - most;
  return `${names.slice(0, most).join(separator)}${more > 0 ? ` and ${more} more` : ""}`;
}
