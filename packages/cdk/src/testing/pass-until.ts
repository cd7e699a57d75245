import { type FakeClock, settlePromises } from "@stackyard/core/testing";

const LIMIT_MS = 2 * 3_600_000;

/** Lets virtual time pass, from one waiter to the next, until something is done. */
export async function passUntil<T>(clock: FakeClock, done: Promise<T>): Promise<T> {
  let isDone = false;
  const end = () => {
    isDone = true;
  };
  done.then(end, end);
  const giveUpAt = clock.now() + LIMIT_MS;
  while (!isDone && clock.now() < giveUpAt) {
    const waitMs = (clock.nextWakeAt() ?? clock.now()) - clock.now();
    // What is loaded with its first use (the SDK, the interpreter) takes real time, and must not look like long waiting.
    const rounds = waitMs > 30_000 ? 500 : 5;
    for (let round = 0; round < rounds && !isDone; round += 1) await settlePromises();
    const next = clock.nextWakeAt();
    if (!isDone && next !== undefined) await clock.advance(Math.max(0, next - clock.now()));
  }
  return done;
}
