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

// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbors count one each.
function toDistance(from: string, to: string): number {
  let beforeLast: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const next = [row];
    for (let column = 1; column <= to.length; column++) {
      const changed = Math.min(at(last, column) + 1, at(next, column - 1) + 1);
      const replaced = at(last, column - 1) + (from[row - 1] === to[column - 1] ? 0 : 1);
      const swapped = isSwap(from, to, { row, column }) ? at(beforeLast, column - 2) + 1 : replaced;
      next[column] = Math.min(changed, replaced, swapped);
    }
    beforeLast = last;
    last = next;
  }
  return at(last, to.length);
}

function at(distances: readonly number[], column: number): number {
  return distances[column] ?? 0;
}

function isSwap(from: string, to: string, { row, column }: { readonly row: number; readonly column: number }): boolean {
  if (row < 2 || column < 2) return false;
  return from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
}
