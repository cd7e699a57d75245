/** The known name that was probably meant; undefined when none is near. */
export function findNearestName(name: string, known: Iterable<string>): string | undefined {
  const allowed = Math.min(3, Math.max(1, Math.floor(name.length / 3)));
  let nearest: { readonly name: string; readonly distance: number } | undefined;
  for (const candidate of known) {
    const distance = toDistance(name.slice(0, 64).toLowerCase(), candidate.slice(0, 64).toLowerCase());
    if (distance <= allowed && distance < (nearest?.distance ?? Number.POSITIVE_INFINITY)) {
      nearest = { name: candidate, distance };
    }
  }
  return nearest?.name;
}

// Levenshtein.
function toDistance(from: string, to: string): number {
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const [row, letter] of [...from].entries()) {
    const next = [row + 1];
    for (let column = 1; column <= to.length; column++) {
      const swap = (last[column - 1] ?? 0) + (letter === to[column - 1] ? 0 : 1);
      next[column] = Math.min(swap, (last[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1);
    }
    last = next;
  }
  return last[to.length] ?? 0;
}
