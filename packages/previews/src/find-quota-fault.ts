/** Returns the fault of a combination of keys that are valid separately. */
export function findQuotaFault({
  holds,
  onFull,
  evictEvent,
  release,
}: Readonly<Record<string, unknown>>): string | undefined {
  if (holds === undefined && release === undefined) return "A quota needs `holds`, or `release: true`.";
  if (release !== undefined && [holds, onFull, evictEvent].some((value) => value !== undefined)) {
    return "A quota with `release` has no other keys.";
  }
  if (onFull === "evict" && evictEvent === undefined) return "`onFull: evict` needs `evictEvent`.";
  if (onFull !== "evict" && evictEvent !== undefined) return "`evictEvent` needs `onFull: evict`.";
  return undefined;
}
