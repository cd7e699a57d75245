// Longer names are compared by their case only: the distance costs the product of the lengths, and documents are hostile.
const MAX_LENGTH = 64;

/** The known name that was probably meant; undefined when none is near. The first of equally near ones wins. */
export function findNearestName(name: string, known: Iterable<string>): string | undefined {
  let nearest: { readonly name: string; readonly distance: number } | undefined;
  const allowed = Math.min(3, Math.max(1, Math.floor(name.length / 3)));
  for (const candidate of known) {
    const distance = toDistance(name, candidate, nearest ? nearest.distance - 1 : allowed);
    if (distance !== undefined) nearest = { name: candidate, distance };
    if (distance === 0) break;
  }
  return nearest?.name;
}

function toDistance(name: string, candidate: string, allowed: number): number | undefined {
  if (name.toUpperCase() === candidate.toUpperCase()) return 0;
  if (allowed < 1 || name.length > MAX_LENGTH || Math.abs(name.length - candidate.length) > allowed) return undefined;
  const distance = toEditDistance(name.toUpperCase(), candidate.toUpperCase());
  return distance <= allowed ? distance : undefined;
}

// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours count one each.
function toEditDistance(from: string, to: string): number {
  let beforeLast: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const next = toNextRow({ from, to, row, last, beforeLast });
    beforeLast = last;
    last = next;
  }
  return last[to.length] ?? 0;
}

interface RowInput {
  readonly from: string;
  readonly to: string;
  readonly row: number;
  readonly last: readonly number[];
  readonly beforeLast: readonly number[];
}

function toNextRow({ from, to, row, last, beforeLast }: RowInput): readonly number[] {
  const next = [row];
  for (let column = 1; column <= to.length; column++) {
    const cost = from[row - 1] === to[column - 1] ? 0 : 1;
    const swapped = row > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
    next[column] = Math.min(
      (last[column] ?? 0) + 1,
      (next[column - 1] ?? 0) + 1,
      (last[column - 1] ?? 0) + cost,
      swapped ? (beforeLast[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
    );
  }
  return next;
}
