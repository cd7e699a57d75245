import { addTallies, type Tally, tallyByWave } from "./tally.ts";

/** Why nothing more is sent. */
export interface Stop {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}

/** The limits of sending. */
export interface Limits {
  /** Rows that are sent and have not ended; 0 while a gate is closed. */
  readonly concurrency: number;
  /** Failures that each wave allows; a wave without an entry allows none. Default: failures stop nothing. */
  readonly maxFailures?: readonly number[];
  /** Pauses after each wave except the last. Default: none. */
  readonly pausesMs?: readonly number[];
}

/** The state of a rollout without its rows. All instants are epoch milliseconds. */
export interface RolloutState {
  /** The present wave: rows of later waves are not sent yet. */
  readonly wave: number;
  /** When all rows of the present wave had ended. `advanceWave` sets it. */
  readonly waveEndedAt?: number | undefined;
  /**
   * By wave: when the last of its rows that were so already had become so. Where nothing else was done, its pause counts from
   * then. Missing: it has none.
   */
  readonly restedAt?: Readonly<Record<number, number>>;
  /** The rows that may have been sent although no row shows it: stored before it is sent, and looked for after a crash. */
  readonly sending: readonly unknown[];
  /** Nothing is sent before. */
  readonly pausedUntil?: number;
  readonly stop?: Stop;
  /** By page, then by wave. */
  readonly tallies: readonly (readonly Tally[])[];
}

/**
 * The next action of a rollout. `send`: rows of the present wave, at most so many. `drop`: store the stop; rows that wait are never sent
 * to. `wait`: for rows that are on their way, or until an instant. `settle`: all rows have ended.
 */
export type Action =
  | { readonly kind: "send"; readonly most: number }
  | { readonly kind: "drop"; readonly stop: Stop }
  | { readonly kind: "wait"; readonly until?: number }
  | { readonly kind: "settle" };

/** Decides what a rollout does next. Pure: which rows are sent, and in what form, is its caller's. */
export function decideRollout(state: RolloutState, limits: Limits, now: number): Action {
  const waves = tallyByWave(state);
  const { waiting, sent } = addTallies(waves);
  const stop = state.stop ?? findStop(waves, limits);
  if (stop !== undefined && waiting > 0) return { kind: "drop", stop };
  if (waiting === 0) return sent > 0 ? { kind: "wait" } : { kind: "settle" };
  const opensAt = findOpening(state, limits, now);
  if (opensAt !== undefined) return { kind: "wait", until: opensAt };
  const most = limits.concurrency - sent;
  const isReady = addTallies(waves.slice(0, state.wave + 1)).waiting > 0;
  return isReady && most > 0 ? { kind: "send", most } : { kind: "wait" };
}

function findStop(waves: readonly Tally[], { maxFailures }: Limits): Stop | undefined {
  if (maxFailures === undefined) return undefined;
  for (const [wave, { failed }] of waves.entries()) {
    const most = maxFailures[wave] ?? 0;
    if (failed > most) return toTooManyFailures(failed, most);
  }
  return undefined;
}

/** Returns the stop of a rollout with more failures than it allows. */
function toTooManyFailures(failures: number, most: number): Stop {
  const message = `${failures} ${failures === 1 ? "failure exceeds" : "failures exceed"} the limit of ${most}.`;
  return { code: "TOO_MANY_FAILURES", message, retryable: false };
}

/** Returns the instant before which nothing is sent, if it is ahead. */
function findOpening(state: RolloutState, { pausesMs = [] }: Limits, now: number) {
  const { pausedUntil = 0, waveEndedAt, wave } = state;
  const pause = waveEndedAt === undefined ? 0 : waveEndedAt + (pausesMs[wave] ?? 0);
  const opensAt = Math.max(pausedUntil, pause);
  return opensAt > now ? opensAt : undefined;
}
