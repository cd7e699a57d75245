import { setTimeout as wait } from "node:timers/promises";
import type { Clock } from "@stackyard/core";

/** The longest pause of code that retries a call: for a new table, or an item of another process. */
const LONGEST_PAUSE_MS = 1_000;

const REAL_PAUSE_MS = 5;

/**
 * Returns a test's clock over servers in real time: pauses between tries end by themselves, since a test cannot observe
 * them; leases, timeouts and visibility last until the test lets time pass.
 */
export function toPausingClock(clock: Clock): Clock {
  return {
    now: () => clock.now(),
    async sleep(ms, signal) {
      if (ms > LONGEST_PAUSE_MS) return clock.sleep(ms, signal);
      // An aborted sleep ends early and does not throw.
      await wait(REAL_PAUSE_MS, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
    },
  };
}
