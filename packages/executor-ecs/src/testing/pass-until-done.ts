import { type FakeClock, settlePromises } from "@stackyard/core/testing";

/** Advances to each waiter in turn. All code is loaded by now, so few rounds are enough for pending work. */
export async function passUntilDone<T>(clock: FakeClock, done: Promise<T>): Promise<T> {
  let isDone = false;
  const end = () => {
    isDone = true;
  };
  done.then(end, end);
  const giveUpAt = clock.now() + 2 * 3_600_000;
  while (!isDone && clock.now() < giveUpAt) {
    for (let round = 0; round < 5 && !isDone; round += 1) await settlePromises();
    const next = clock.nextWakeAt();
    if (!isDone && next !== undefined) await clock.advance(next - clock.now());
  }
  return done;
}
