import { type FakeClock, settlePromises } from "@stackyard/core/testing";

const LIMIT_MS = 2 * 3_600_000;

/** Advances virtual time, from one waiter to the next, until the promise settles. */
export async function passUntil<T>(clock: FakeClock, done: Promise<T>): Promise<T> {
  let isDone = false;
  const end = () => {
    isDone = true;
  };
  done.then(end, end);
  const giveUpAt = clock.now() + LIMIT_MS;
  while (!isDone && clock.now() < giveUpAt) {
    const waitMs = (clock.nextWakeAt() ?? clock.now()) - clock.now();
    // Lazily loaded code (the SDK, the interpreter) takes real time, which must not look like a long wait.
    const rounds = waitMs > 30_000 ? 500 : 5;
    for (let round = 0; round < rounds && !isDone; round += 1) await settlePromises();
    const next = clock.nextWakeAt();
    if (!isDone && next !== undefined) await clock.advance(Math.max(0, next - clock.now()));
  }
  return done;
}
