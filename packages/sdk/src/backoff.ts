const FIRST_MS = 200;
const MAX_MS = 5_000;
/** `setTimeout` keeps 31 bits: what is longer would end at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** How long to wait before try n + 1: anything up to a limit that doubles, so that many senders do not come at once. */
export function backoffMs(tries: number, random: () => number = Math.random): number {
  return random() * Math.min(MAX_MS, FIRST_MS * 2 ** (tries - 1));
}

/** Resolves after the time, or at once when the signal is aborted. A longer one than of 24 days is cut. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, Math.min(ms, LONGEST_TIMER_MS));
    signal.addEventListener("abort", end);
  });
}
