import { type FakeClock, settlePromises } from "./fake-clock.ts";

/** How time passes while a promise is awaited. */
export interface PassOptions {
  /** Of virtual time. Default: 2 hours. */
  readonly mostMs?: number;
  /** How often pending promises settle before time passes. Default: 5. */
  readonly rounds?: number;
  /** As often again before more than 30 seconds pass: lazily loaded code takes real time. Default: none. */
  readonly extraRounds?: number;
}

const HOUR_MS = 3_600_000;
const LONG_MS = 30_000;

/** Advances virtual time, from one waiter to the next, until the promise settles. */
export async function passUntil<Result>(
  clock: FakeClock,
  done: Promise<Result>,
  { mostMs = 2 * HOUR_MS, rounds = 5, extraRounds = 0 }: PassOptions = {},
): Promise<Result> {
  let isDone = false;
  const end = () => {
    isDone = true;
  };
  const settle = async (count: number) => {
    for (let round = 0; round < count && !isDone; round += 1) await settlePromises();
  };
  const findWaitMs = () => Math.max(0, (clock.nextWakeAt() ?? clock.now()) - clock.now());
  done.then(end, end);
  const giveUpAt = clock.now() + mostMs;
  while (!isDone && clock.now() < giveUpAt) {
    await settle(rounds);
    if (findWaitMs() > LONG_MS) await settle(extraRounds);
    if (!isDone && clock.nextWakeAt() !== undefined) await clock.advance(findWaitMs());
  }
  return done;
}
