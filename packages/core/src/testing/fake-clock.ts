import type { Clock, Ids, Random } from "../ports/clock.ts";

/** A clock whose time passes only when a test advances it. */
export interface FakeClock extends Clock {
  /** Lets time pass: wakes sleepers in order, each at its instant, and lets promises settle between. */
  advance(ms: number): Promise<void>;
  /** Returns when the next sleeper wakes; undefined: no caller sleeps. */
  nextWakeAt(): number | undefined;
}

interface Sleeper {
  readonly wakeAt: number;
  wake(): void;
}

const DEFAULT_START = Date.UTC(2026, 0, 1);

/** Creates a clock that begins at 2026-01-01T00:00:00Z, or at that instant. */
export function createFakeClock(start: number = DEFAULT_START): FakeClock {
  const sleepers = new Set<Sleeper>();
  let now = start;

  function findNext(): Sleeper | undefined {
    let next: Sleeper | undefined;
    for (const sleeper of sleepers) if (next === undefined || sleeper.wakeAt < next.wakeAt) next = sleeper;
    return next;
  }

  function sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted || ms <= 0) return resolve();
      const sleeper = { wakeAt: now + ms, wake };
      function wake(): void {
        sleepers.delete(sleeper);
        signal?.removeEventListener("abort", wake);
        resolve();
      }
      sleepers.add(sleeper);
      signal?.addEventListener("abort", wake, { once: true });
    });
  }

  return {
    now: () => now,
    sleep,
    async advance(ms) {
      const end = now + ms;
      await settlePromises();
      for (let next = findNext(); next !== undefined && next.wakeAt <= end; next = findNext()) {
        now = Math.max(now, next.wakeAt);
        next.wake();
        await settlePromises();
      }
      now = Math.max(now, end);
    },
    nextWakeAt: () => findNext()?.wakeAt,
  };
}

/** Lets everything run that waits for nothing but promises. */
export function settlePromises(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Creates ids in order: `id-000001`, `id-000002`, … */
export function countingIds(prefix = "id"): Ids {
  let count = 0;
  return {
    next() {
      count += 1;
      return `${prefix}-${String(count).padStart(6, "0")}`;
    },
  };
}

/** Numbers in [0, 1) that look random and are the same for the same seed (Mulberry32). */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
