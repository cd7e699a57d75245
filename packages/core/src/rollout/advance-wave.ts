import type { Limits, RolloutState } from "./decide-rollout.ts";
import { EMPTY_TALLY, type Tally, tallyByWave } from "./tally.ts";

/**
 * Moves a rollout to its next wave when the present one has ended and its pause is over; records first when it ended.
 * The pause of a wave in which nothing was done counts from when its rows had become so. Returns the same state when nothing changes. Call it before
 * `decideRollout`; a rollout with one wave need not. Pure.
 */
export function advanceWave<State extends RolloutState>(
  state: State,
  { pausesMs = [] }: Pick<Limits, "pausesMs">,
  now: number,
): State {
  const waves = tallyByWave(state);
  let next = state;
  while (next.wave < waves.length - 1 && isEnded(waves[next.wave])) {
    const waveEndedAt = next.waveEndedAt ?? findEnd(next, waves[next.wave], now);
    if (waveEndedAt !== undefined && now < waveEndedAt + (pausesMs[next.wave] ?? 0)) {
      return next.waveEndedAt === undefined ? { ...next, waveEndedAt } : next;
    }
    next = { ...next, wave: next.wave + 1, waveEndedAt: undefined };
  }
  return next;
}

function isEnded({ waiting, sent }: Tally = EMPTY_TALLY): boolean {
  return waiting + sent === 0;
}

/** Returns since when the pause after a wave counts; undefined: it has none. */
function findEnd({ wave, restedAt = {} }: RolloutState, tally: Tally = EMPTY_TALLY, now: number): number | undefined {
  return tally.done + tally.failed > 0 ? now : restedAt[wave];
}
