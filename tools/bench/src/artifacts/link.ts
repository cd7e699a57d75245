import { setTimeout as sleep } from "node:timers/promises";

/** Waits as long as so many bytes take on a line that carries so much, one after the other. Without a rate nobody waits. */
export function createLink(mibPerSecond: number | undefined, now: () => number = performance.now.bind(performance)) {
  let freeAt = 0;
  return async (bytes: number): Promise<void> => {
    if (mibPerSecond === undefined) return;
    freeAt = Math.max(freeAt, now()) + (bytes * 1_000) / (mibPerSecond * 1_048_576);
    // Timers are no finer than this; what is ahead by less is made up for later.
    if (freeAt - now() > 2) await sleep(freeAt - now());
  };
}
