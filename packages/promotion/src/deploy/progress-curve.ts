import { addTallies, type RolloutState } from "@stackyard/core/rollout";

/** The counts of stacks that had arrived and failed from an instant on. Instants are epoch milliseconds. */
export interface ProgressPoint {
  readonly at: number;
  /** Arrived, or was there already. */
  readonly done: number;
  readonly failed: number;
}

/** The pause after a wave. */
export interface WavePause {
  readonly wave: number;
  /** When the wave ended. */
  readonly at: number;
}

/** The course of a deployment so far. Each save adds to it, so that no row is read for it. */
export interface Progress {
  /** Oldest first, at most `MOST_POINTS`. */
  readonly curve?: readonly ProgressPoint[];
  /** Pauses that have begun, in the order of the waves. */
  readonly pauses?: readonly WavePause[];
}

/** More do not fit into a picture. */
export const MOST_POINTS = 64;

/** Notes in a state what has been reached at an instant. Returns the same state when that is as before. Pure. */
export function noteProgress<State extends RolloutState & Progress>(state: State, at: number): State {
  const { curve = [], pauses = [] } = state;
  const nextCurve = addPoint(curve, { at, ...countReached(state) });
  const nextPauses = addPause(pauses, state);
  if (nextCurve === curve && nextPauses === pauses) return state;
  return { ...state, curve: nextCurve, ...(nextPauses.length > 0 && { pauses: nextPauses }) };
}

function countReached({ tallies }: RolloutState): Omit<ProgressPoint, "at"> {
  const { done, unchanged, failed } = addTallies(tallies.flat());
  return { done: done + unchanged, failed };
}

function addPoint(curve: readonly ProgressPoint[], point: ProgressPoint): readonly ProgressPoint[] {
  const last = curve.at(-1);
  if (last?.done === point.done && last.failed === point.failed) return curve;
  const longer = [...curve, point];
  // The first and the last one stay: between them every second one.
  return longer.length <= MOST_POINTS ? longer : longer.filter((_, index) => index % 2 === 0 || index === MOST_POINTS);
}

function addPause(pauses: readonly WavePause[], { wave, waveEndedAt }: RolloutState): readonly WavePause[] {
  if (waveEndedAt === undefined || pauses.some((pause) => pause.wave === wave)) return pauses;
  return [...pauses, { wave, at: waveEndedAt }];
}
