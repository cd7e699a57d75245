import { type FakeClock, settlePromises } from "@stackyard/core/testing";

/**
 * Advances to each waiter in turn, for two hours at most. If all code is loaded, few rounds are enough for pending work;
 * `extraRounds` follow them before a long wait.
 */
export async function passUntilDone<T>(
  clock: FakeClock,
  done: Promise<T>,
  { extraRounds = 0 }: { readonly extraRounds?: number } = {},
): Promise<T> {
  let isDone = false;
  const end = () => {
    isDone = true;
  };
  done.then(end, end);
  const giveUpAt = clock.now() + 2 * 3_600_000;
  while (!isDone && clock.now() < giveUpAt) {
    for (let round = 0; round < 5 && !isDone; round += 1) await settlePromises();
    const isLong = (clock.nextWakeAt() ?? 0) - clock.now() > 30_000;
    for (let round = 0; round < extraRounds && isLong && !isDone; round += 1) await settlePromises();
    const next = clock.nextWakeAt();
    if (!isDone && next !== undefined) await clock.advance(Math.max(0, next - clock.now()));
  }
  return done;
}
