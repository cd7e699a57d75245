import { type FakeClock, settlePromises } from "@stackyard/core/testing";

/** Wakes one sleeper after the other until the work is done. */
export async function passTime<Result>(clock: FakeClock, work: Promise<Result>): Promise<Result> {
  let isOver = false;
  const over = work.finally(() => {
    isOver = true;
  });
  over.catch(() => undefined);
  await settlePromises();
  while (!isOver) {
    const wakeAt = clock.nextWakeAt();
    if (wakeAt === undefined) await settlePromises();
    else await clock.advance(wakeAt - clock.now());
  }
  return over;
}
