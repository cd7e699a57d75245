const UNTIL = /until (\d{4}-\d{2}-\d{2}T[\d:.]+Z)/g;

/**
 * Returns the instant before which a gate cannot open, from what it says; undefined while none is known. All conditions must
 * hold at once, so the last of the known instants counts.
 */
export function findOpening(message: string): string | undefined {
  return [...message.matchAll(UNTIL)]
    .map(([, at = ""]) => at)
    .sort()
    .at(-1);
}
