import type { Clock } from "@stackyard/core";

/** Looks in a row that did not show something which had been there. JSON, stored between polls. */
export interface Absence {
  /** The number of looks that counted. */
  readonly looks: number;
  /** The last one that counted; epoch milliseconds. */
  readonly lookedAt: number;
}

/** The decision after a look that did not show something: another look, or the knowledge that its state is unknown. */
export interface AfterAbsence {
  readonly kind: "again" | "unknown";
  readonly absence: Absence;
  /** Until the next look counts. */
  readonly afterMs: number;
}

const LOOKS = 3;
/**
 * Answers of AWS are eventually consistent ("DescribeTasks", "ListCommandInvocations", and the other lists that we read):
 * two looks that are closer may have one answer.
 */
const EVERY_MS = 30_000;

/**
 * Decides what a look means that does not show something. Absence in one answer is not knowledge: after three looks,
 * 30 s apart, at any age, the state is unknown. That is neither success nor a failure that may be repeated, and what is
 * known (ARNs, ids) is kept.
 */
export function decideAbsence(before: Absence | undefined, now: number): AfterAbsence {
  const isCounted = before === undefined || Math.abs(now - before.lookedAt) >= EVERY_MS;
  const absence = isCounted ? { looks: (before?.looks ?? 0) + 1, lookedAt: now } : before;
  const kind = absence.looks >= LOOKS ? "unknown" : "again";
  return { kind, absence, afterMs: absence.lookedAt + EVERY_MS - now };
}

/** Where a call looks again itself. */
interface LookDeps {
  readonly clock: Pick<Clock, "now" | "sleep">;
  readonly signal: AbortSignal;
}

/**
 * Looks until the answer is complete, or the state of what it lacks is unknown: for a minute at most. Returns the last
 * answer. For calls that cannot store an `Absence` between two polls.
 */
export async function lookUntilComplete<Answer>(
  { clock, signal }: LookDeps,
  look: () => Promise<Answer>,
  isComplete: (answer: Answer) => boolean,
): Promise<Answer> {
  for (let absence: Absence | undefined; ; ) {
    const answer = await look();
    if (isComplete(answer)) return answer;
    const after = decideAbsence(absence, clock.now());
    if (after.kind === "unknown") return answer;
    absence = after.absence;
    await clock.sleep(after.afterMs, signal);
    signal.throwIfAborted();
  }
}
