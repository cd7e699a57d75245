import type { Clock } from "@stackyard/core";

/** Creates a clock that runs faster than the system's: minutes of AWS are seconds of a test. */
export function createQuickClock(times: number): Clock {
  const start = Date.now();
  return {
    now: () => start + Math.floor((Date.now() - start) * times),
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted || ms <= 0) return resolve();
        const end = (): void => {
          clearTimeout(timer);
          signal?.removeEventListener("abort", end);
          resolve();
        };
        const timer = setTimeout(end, Math.min(ms / times, 2 ** 31 - 1));
        signal?.addEventListener("abort", end, { once: true });
      }),
  };
}
