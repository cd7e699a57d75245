/** Formats a count; what is not known is "–", never 0. */
export function formatCount(count: number | undefined): string {
  return count === undefined ? "–" : count.toLocaleString("en");
}
