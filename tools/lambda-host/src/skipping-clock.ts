import type { Clock } from "@stackyard/core";

/** A clock that runs like the system's while something works, and skips the time in which everything waits. */
export interface SkippingClock extends Clock {
  /** Calls, and skips no time until it has ended. */
  whileWorking<Result>(call: () => Promise<Result>): Promise<Result>;
}

interface Sleeper {
  readonly wakeAt: number;
  wake(): void;
  /** Lets the time that is left pass. */
  wait(): void;
}

/** Turns of the event loop without work after which everything waits. */
const TURNS = 8;
/** `setTimeout` uses 31 bits. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Creates a clock that skips to the next sleeper whenever nothing works: hours of AWS are a moment, and a slow machine loses none. */
export function createSkippingClock(): SkippingClock {
  const sleepers = new Set<Sleeper>();
  let skippedMs = 0;
  let working = 0;
  let isLooking = false;
  const now = () => Date.now() + skippedMs;

  function skip(): void {
    const next = [...sleepers].reduce((first, other) => (other.wakeAt < first.wakeAt ? other : first));
    skippedMs += Math.max(0, next.wakeAt - now());
    next.wake();
    for (const sleeper of sleepers) sleeper.wait();
  }

  async function skipWhileCalm(): Promise<void> {
    if (isLooking) return;
    isLooking = true;
    for (let calm = 1; working === 0 && sleepers.size > 0; calm += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      if (calm % TURNS === 0 && working === 0 && sleepers.size > 0) skip();
    }
    isLooking = false;
  }

  return {
    now,
    sleep(ms, signal) {
      if (signal?.aborted || ms <= 0) return Promise.resolve();
      return new Promise((resolve) => {
        let timer: NodeJS.Timeout | undefined;
        const sleeper: Sleeper = {
          wakeAt: now() + ms,
          wake() {
            clearTimeout(timer);
            signal?.removeEventListener("abort", sleeper.wake);
            sleepers.delete(sleeper);
            resolve();
          },
          wait() {
            clearTimeout(timer);
            timer = setTimeout(sleeper.wake, Math.min(sleeper.wakeAt - now(), LONGEST_TIMER_MS));
          },
        };
        signal?.addEventListener("abort", sleeper.wake, { once: true });
        sleepers.add(sleeper);
        sleeper.wait();
        void skipWhileCalm();
      });
    },
    async whileWorking(call) {
      working += 1;
      try {
        return await call();
      } finally {
        working -= 1;
        void skipWhileCalm();
      }
    },
  };
}
