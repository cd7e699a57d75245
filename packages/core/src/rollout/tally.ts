/**
 * `waiting`: still to be sent. `unchanged`: it was so already. `unsent`: never sent, because the rollout stopped before.
 * `undone`: what was done was taken back.
 */
export type RowState = "waiting" | "sent" | "done" | "unchanged" | "failed" | "skipped" | "unsent" | "undone";

/** The counted facts of one target of a rollout, such as an instance or a stack. */
export interface Row {
  /** Its wave, from 0. */
  readonly wave: number;
  readonly state: RowState;
  /** Why it failed or was not sent. */
  readonly code?: string;
}

/** The number of rows in each state, and of failed or unsent rows with each code. */
export type Tally = Readonly<Record<RowState, number>> & { readonly codes: Readonly<Record<string, number>> };

/** The tally of no rows. */
export const EMPTY_TALLY: Tally = {
  waiting: 0,
  sent: 0,
  done: 0,
  unchanged: 0,
  failed: 0,
  skipped: 0,
  unsent: 0,
  undone: 0,
  codes: {},
};

/** Counts rows by wave. */
export function toTallies(rows: Iterable<Row>): readonly Tally[] {
  const waves: Counted[] = [];
  for (const { wave, state, code } of rows) {
    while (waves.length <= wave) waves.push({ ...EMPTY_TALLY, codes: {} });
    const tally = waves[wave];
    if (tally === undefined) continue;
    tally[state] += 1;
    if (code !== undefined && (state === "failed" || state === "unsent")) {
      tally.codes[code] = (tally.codes[code] ?? 0) + 1;
    }
  }
  return waves;
}

type Counted = Record<RowState, number> & { readonly codes: Record<string, number> };

/** Adds up tallies. */
export function addTallies(tallies: Iterable<Tally>): Tally {
  const sum: Counted = { ...EMPTY_TALLY, codes: {} };
  for (const { codes, ...counts } of tallies) {
    sum.waiting += counts.waiting;
    sum.sent += counts.sent;
    sum.done += counts.done;
    sum.unchanged += counts.unchanged;
    sum.failed += counts.failed;
    sum.skipped += counts.skipped;
    sum.unsent += counts.unsent;
    sum.undone += counts.undone;
    for (const [code, count] of Object.entries(codes)) sum.codes[code] = (sum.codes[code] ?? 0) + count;
  }
  return sum;
}

/** Returns the tally of each wave. */
export function tallyByWave({ tallies }: { readonly tallies: readonly (readonly Tally[])[] }): readonly Tally[] {
  const count = tallies.reduce((most, waves) => Math.max(most, waves.length), 0);
  return Array.from({ length: count }, (_, wave) => addTallies(tallies.flatMap((waves) => waves[wave] ?? [])));
}
