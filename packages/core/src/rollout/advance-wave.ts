import type { Limits, RolloutState } from "./decide-rollout.ts";
import { EMPTY_TALLY, type Tally, tallyByWave } from "./tally.ts";

/**
 * Moves a rollout to its next wave when the present one has ended and its pause is over; records first when it ended.
 * A wave in which nothing was done has no pause. Returns the same state when nothing changes. Call it before
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
    const { waveEndedAt = now } = next;
    if (now < waveEndedAt + toPauseMs(waves[next.wave], pausesMs[next.wave])) {
      return next.waveEndedAt === undefined ? { ...next, waveEndedAt } : next;
    }
    next = { ...next, wave: next.wave + 1, waveEndedAt: undefined };
  }
  return next;
}

function isEnded({ waiting, sent }: Tally = EMPTY_TALLY): boolean {
  return waiting + sent === 0;
}

function toPauseMs({ done, failed }: Tally = EMPTY_TALLY, pauseMs = 0): number {
  return done + failed === 0 ? 0 : pauseMs;
}
