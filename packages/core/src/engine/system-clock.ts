import { monotonicFactory } from "ulid";
import type { Clock, Ids, Random } from "../ports/clock.ts";

// setTimeout keeps 31 bits; a longer sleep is cut and its caller looks at the clock again.
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The process's own time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, Math.min(Math.max(ms, 0), LONGEST_TIMER_MS));
      signal?.addEventListener("abort", done, { once: true });
    }),
};

/** Chance as good as retries need it. */
export const systemRandom: Random = () => Math.random();

/** ULIDs that grow within a process even in the same millisecond. */
export function createUlids(): Ids {
  const next = monotonicFactory();
  return { next: () => next() };
}
