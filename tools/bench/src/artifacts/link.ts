import { setTimeout as sleep } from "node:timers/promises";

/** Waits as long as the bytes take on a line of the given rate, one after another. Without a rate it does not wait. */
export function createLink(mibPerSecond: number | undefined, now: () => number = performance.now.bind(performance)) {
  let freeAt = 0;
  return async (bytes: number): Promise<void> => {
    if (mibPerSecond === undefined) return;
    freeAt = Math.max(freeAt, now()) + (bytes * 1_000) / (mibPerSecond * 1_048_576);
    // Timers are not finer than this; a smaller lead is made up for later.
    if (freeAt - now() > 2) await sleep(freeAt - now());
  };
}
