import type { Action, Batch, BatchLimits, Limits, RolloutState, Row, Stop, Tally } from "./rollout.ts";
import { addTallies, EMPTY_TALLY, tallyByWave } from "./tally.ts";

/**
 * Decides what a rollout does next. Pure. `waiting` are rows that wait, in the order of waves, at least as many as
 * `concurrency`.
 *
 * A batch in `sending` was stored by a process that died before it stored the result: it is returned again under its
 * number, so acting must be idempotent by that number. A caller that finds what was sent instead does so before, and
 * removes the batch. After a stop it is not returned: a caller that cannot look stores its rows as `sent` together with
 * `sending`, so that they are observed and not dropped.
 */
export function decideRollout(state: RolloutState, waiting: readonly Row[], limits: Limits, now: number): Action {
  const waves = tallyByWave(state);
  const tally = addTallies(waves);
  const stop = findStop(state, waves, limits);
  // A stop is stored before what may have been sent is observed instead of sent again.
  const isNews = state.stop === undefined && state.sending.length > 0;
  if (stop !== undefined && (tally.waiting > 0 || isNews)) return { kind: "drop", stop };
  if (stop !== undefined || isIdle(state, tally)) return tally.sent > 0 ? { kind: "wait" } : { kind: "settle" };
  const opensAt = findOpening(state, limits, now);
  if (opensAt !== undefined) return { kind: "wait", until: opensAt };
  if (state.sending.length > 0 && limits.concurrency > 0) return { kind: "send", batches: state.sending };
  const ready = waiting.filter(({ wave }) => wave <= state.wave);
  const batches = planBatches(state, ready, { limits, free: limits.concurrency - tally.sent, now });
  if (batches.length > 0) return { kind: "send", batches };
  return toWait(state, { limits, hasReady: ready.length > 0, free: limits.concurrency - tally.sent, now });
}

function isIdle({ sending }: RolloutState, { waiting }: Tally): boolean {
  return waiting === 0 && sending.length === 0;
}

/**
 * Moves a rollout to its next wave when the present one has ended and its pause is over; records first when it ended.
 * A wave in which nothing was done has no pause. Returns the same state when nothing changes. Call it before
 * `decideRollout`; a rollout with one wave need not. Pure.
 */
export function advanceWave<State extends RolloutState>(
  state: State,
  { pausesMs }: Pick<Limits, "pausesMs">,
  now: number,
): State {
  const waves = tallyByWave(state);
  let next = state;
  while (next.wave < waves.length - 1 && next.sending.length === 0 && isEnded(waves[next.wave])) {
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

function findStop(
  { stop, cancelledAt }: RolloutState,
  waves: readonly Tally[],
  { maxFailures, uncounted }: Limits,
): Stop | undefined {
  if (stop !== undefined) return stop;
  if (cancelledAt !== undefined) {
    return { code: "ROLLOUT_CANCELLED", message: "The rollout was cancelled.", retryable: false };
  }
  for (const [wave, tally] of waves.entries()) {
    const failures = countFailures(tally, uncounted);
    const most = maxFailures[wave] ?? 0;
    if (failures > most) return toTooManyFailures(failures, most);
  }
  return undefined;
}

/** Counts failed rows, except those with an uncounted code. */
function countFailures({ failed, codes }: Tally, uncounted: readonly string[]): number {
  return uncounted.reduce((left, code) => left - (codes[code] ?? 0), failed);
}

/** Returns the stop of a rollout with more failures than it allows. */
function toTooManyFailures(failures: number, most: number): Stop {
  const message = `${failures} ${failures === 1 ? "failure exceeds" : "failures exceed"} the limit of ${most}.`;
  return { code: "TOO_MANY_FAILURES", message, retryable: false };
}

/** Returns the instant before which nothing is sent, if it is ahead. */
function findOpening({ pausedUntil = 0, waveEndedAt, wave }: RolloutState, limits: Limits, now: number) {
  const pause = waveEndedAt === undefined ? 0 : waveEndedAt + (limits.pausesMs[wave] ?? 0);
  const opensAt = Math.max(pausedUntil, pause);
  return opensAt > now ? opensAt : undefined;
}

/** One batch of any size, at once. */
const UNLIMITED: BatchLimits = { size: Number.POSITIVE_INFINITY, most: Number.POSITIVE_INFINITY, partialAfterMs: 0 };

/** What a plan of batches needs, apart from the rows. */
interface Plan {
  readonly limits: Limits;
  /** Rows that may be sent now. */
  readonly free: number;
  readonly now: number;
}

function planBatches(
  { next, lastSentAt }: RolloutState,
  ready: readonly Row[],
  { limits: { concurrency, batch = UNLIMITED }, free, now }: Plan,
): readonly Batch[] {
  const isPartial = now - (lastSentAt ?? now) >= batch.partialAfterMs;
  const batches: Batch[] = [];
  let left = free;
  for (const rows of listGroups(ready, Math.min(batch.size, concurrency))) {
    const ids = rows.slice(0, isPartial ? Math.max(0, left) : rows.length).map(({ id }) => id);
    if (ids.length === 0 || ids.length > left || batches.length === batch.most) break;
    const group = rows[0]?.group;
    batches.push({ n: next + batches.length, ids, ...(group !== undefined && { group }) });
    left -= ids.length;
  }
  return batches;
}

/** Yields neighbors of one group, up to a size. */
function* listGroups(rows: readonly Row[], size: number): Generator<readonly Row[]> {
  let group: Row[] = [];
  for (const row of rows) {
    const [first] = group;
    if (first !== undefined && (first.group !== row.group || group.length >= size)) {
      yield group;
      group = [];
    }
    group.push(row);
  }
  if (group.length > 0) yield group;
}

/** Waits for rows that are sent; also for the instant at which a smaller batch may use what is free. */
function toWait(
  { lastSentAt }: RolloutState,
  { limits, hasReady, free, now }: Plan & { readonly hasReady: boolean },
): Action {
  const { partialAfterMs } = limits.batch ?? UNLIMITED;
  const until = (lastSentAt ?? now) + partialAfterMs;
  return hasReady && free > 0 && until > now ? { kind: "wait", until } : { kind: "wait" };
}
