import type { Deploy } from "@stackyard/sdk";

/** The number of a wave's stacks in each part. */
export type WaveCounts = Deploy["waves"][number]["counts"];

/** A deployment in figures. */
export interface DeployCounts {
  readonly stacks: number;
  /** Have arrived, or had the values already: those on their way have not, nor those that were skipped or undone. */
  readonly arrived: number;
  readonly skipped: number;
  readonly failed: number;
  readonly sent: number;
  readonly waves: { readonly ended: number; readonly all: number };
  /** The counts of all waves. */
  readonly total: WaveCounts;
}

/** The counts of a wave without stacks. */
export const NO_STACKS: WaveCounts = {
  waiting: 0,
  sent: 0,
  done: 0,
  unchanged: 0,
  failed: 0,
  skipped: 0,
  unsent: 0,
  undone: 0,
};

/** Counts the stacks of all waves. */
export function countDeploy({ waves }: Pick<Deploy, "waves">): DeployCounts {
  const total = waves.reduce<WaveCounts>(
    (sum, { counts }) => ({
      waiting: sum.waiting + counts.waiting,
      sent: sum.sent + counts.sent,
      done: sum.done + counts.done,
      unchanged: sum.unchanged + counts.unchanged,
      failed: sum.failed + counts.failed,
      skipped: sum.skipped + counts.skipped,
      unsent: sum.unsent + counts.unsent,
      undone: sum.undone + counts.undone,
    }),
    NO_STACKS,
  );
  return {
    stacks: waves.reduce((sum, wave) => sum + wave.stacks, 0),
    arrived: countArrived(total),
    skipped: total.skipped,
    failed: total.failed,
    sent: total.sent,
    waves: { ended: waves.filter(isEnded).length, all: waves.length },
    total,
  };
}

/** Returns how many stacks have arrived, or had the values already. */
export function countArrived({ done, unchanged }: WaveCounts): number {
  return done + unchanged;
}

function isEnded({ counts: { waiting, sent, unsent } }: Deploy["waves"][number]): boolean {
  return waiting + sent + unsent === 0;
}

/** A pause after a wave that lasts. */
interface LastingPause {
  /** The name of the wave. */
  readonly wave: string;
  readonly to: string;
}

/** Returns the pause in which a deployment is now. */
export function findPause(
  { waves, endedAt }: Pick<Deploy, "waves" | "endedAt">,
  now: number,
): LastingPause | undefined {
  if (endedAt !== undefined) return undefined;
  const paused = waves.find(({ pause }) => pause !== undefined && Date.parse(pause.to) > now);
  return paused?.pause && { wave: paused.name, to: paused.pause.to };
}

/** The failures that a wave allows, and how many there are. */
export interface FailureBudget {
  readonly wave: string;
  readonly allowed: number;
  readonly used: number;
}

/** Returns the budget that counts now: of the wave that has spent it, else of the present or the last one. */
export function findBudget({ waves }: Pick<Deploy, "waves">): FailureBudget | undefined {
  const budgets = waves.flatMap(({ name, maxFailures, counts }) =>
    maxFailures === undefined ? [] : [{ wave: name, allowed: maxFailures, used: counts.failed, counts }],
  );
  const found =
    budgets.find(({ allowed, used }) => used > allowed) ??
    budgets.find(({ counts: { waiting, sent } }) => waiting + sent > 0) ??
    budgets.at(-1);
  return found && { wave: found.wave, allowed: found.allowed, used: found.used };
}
