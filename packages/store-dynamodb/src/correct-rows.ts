import { type CorrectedAttempt, correctAttempt, toCorrectedAttempt } from "@stackyard/core/attempt";
import type { AttemptRow } from "./aggregate.ts";

/** Corrects the attempts of a stack, except those that a call takes, and returns what has changed. */
export function correctRows(
  rows: readonly AttemptRow[],
  now: number,
  taken: ReadonlySet<string> = new Set(),
): { readonly attempts: readonly AttemptRow[]; readonly corrected: readonly CorrectedAttempt[] } {
  const attempts = rows.map((row) => (taken.has(row.attemptId) ? row : correctAttempt(row, now)));
  const corrected = rows.flatMap((row, place) => {
    const after = attempts[place];
    return after === undefined || after === row ? [] : [toCorrectedAttempt(row, after)];
  });
  return { attempts, corrected };
}
