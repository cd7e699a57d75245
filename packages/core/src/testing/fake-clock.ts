import { createHeap } from "../in-process/queue.ts";
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
  /** The order of sleepers with one instant: who fell asleep first wakes first. */
  readonly number: number;
  isAwake: boolean;
  wake(): void;
}

const DEFAULT_START = Date.UTC(2026, 0, 1);

/** Creates a clock that begins at 2026-01-01T00:00:00Z, or at that instant. */
export function createFakeClock(start: number = DEFAULT_START): FakeClock {
  const sleepers = createHeap<Sleeper>((a, b) => a.wakeAt < b.wakeAt || (a.wakeAt === b.wakeAt && a.number < b.number));
  let count = 0;
  let now = start;

  /** Returns the sleeper who wakes next. One who was woken by a signal is dropped here. */
  function findNext(): Sleeper | undefined {
    for (let next = sleepers.peek(); next !== undefined; next = sleepers.peek()) {
      if (!next.isAwake) return next;
      sleepers.pop();
    }
    return undefined;
  }

  function sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted || ms <= 0) return resolve();
      count += 1;
      const sleeper: Sleeper = { wakeAt: now + ms, number: count, isAwake: false, wake };
      function wake(): void {
        sleeper.isAwake = true;
        signal?.removeEventListener("abort", wake);
        resolve();
      }
      sleepers.push(sleeper);
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
