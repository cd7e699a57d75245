/** The difference between two texts. */
export interface ChangedLines {
  /** Places that differ: lines without an equal one between them are one place. */
  readonly places: number;
  /** Lines that were added or changed, or, where lines only went, those. */
  readonly lines: number;
}

/** Longer differing parts than this, in lines of both texts multiplied, are one place. */
const MAX_PAIRS = 250_000;

/** Counts what differs between two texts, by their longest common lines. */
export function countChanges(before: string, after: string): ChangedLines {
  if (before === after) return { places: 0, lines: 0 };
  const [old, now] = cutEqualEnds(before.split("\n"), after.split("\n"));
  if (old.length * now.length > MAX_PAIRS) return { places: 1, lines: Math.max(old.length, now.length) };
  return countAlong(old, now, measureCommon(old, now));
}

type Lines = readonly string[];

function cutEqualEnds(old: Lines, now: Lines): readonly [Lines, Lines] {
  const shortest = Math.min(old.length, now.length);
  let start = 0;
  while (start < shortest && old[start] === now[start]) start += 1;
  let end = 0;
  while (end < shortest - start && old[old.length - 1 - end] === now[now.length - 1 - end]) end += 1;
  return [old.slice(start, old.length - end), now.slice(start, now.length - end)];
}

/** Returns how many lines are common from each pair of places on. */
function measureCommon(old: Lines, now: Lines): readonly Uint32Array[] {
  const rows = Array.from({ length: old.length + 1 }, () => new Uint32Array(now.length + 1));
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = now.length - 1; j >= 0; j -= 1) {
      const row = rows[i] as Uint32Array;
      const next = rows[i + 1] as Uint32Array;
      row[j] = old[i] === now[j] ? (next[j + 1] ?? 0) + 1 : Math.max(next[j] ?? 0, row[j + 1] ?? 0);
    }
  }
  return rows;
}

function countAlong(old: Lines, now: Lines, common: readonly Uint32Array[]): ChangedLines {
  const found = { places: 0, lines: 0 };
  let [i, j, gone, come] = [0, 0, 0, 0];
  const end = () => {
    if (gone + come > 0) found.places += 1;
    found.lines += Math.max(gone, come);
    [gone, come] = [0, 0];
  };
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) {
      end();
      [i, j] = [i + 1, j + 1];
    } else if (j >= now.length || (i < old.length && (common[i + 1]?.[j] ?? 0) >= (common[i]?.[j + 1] ?? 0))) {
      [i, gone] = [i + 1, gone + 1];
    } else {
      [j, come] = [j + 1, come + 1];
    }
  }
  end();
  return found;
}
