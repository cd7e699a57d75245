import type { Clock } from "./ports/clock.ts";

/** The time to wait for work, and what to return or throw afterwards. */
export interface WithinOptions<Late> {
  readonly clock: Pick<Clock, "sleep">;
  readonly ms: number;
  late(): Late | Promise<Late>;
}

/** Returns the result of the work, or that of `late` when the work has not settled in time; the work continues. */
export async function within<Result, Late>(
  work: Promise<Result>,
  { clock, ms, late }: WithinOptions<Late>,
): Promise<Result | Late> {
  const settled = new AbortController();
  // The end of the work wakes the sleeper too.
  const timeout = clock.sleep(ms, settled.signal).then(async () => (settled.signal.aborted ? work : late()));
  try {
    return await Promise.race([work, timeout]);
  } finally {
    settled.abort();
  }
}

/** Returns the result of the work, or throws `toError` once the signal is aborted; the work continues. */
export async function unlessAborted<Result>(
  work: Promise<Result>,
  signal: AbortSignal,
  toError: () => Error,
): Promise<Result> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(toError());
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
