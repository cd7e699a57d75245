/** When to try again. */
export interface RetryOptions {
  /** In total. */
  readonly tries: number;
  /** Default: every error. */
  isRetryable?(error: unknown): boolean;
  /** Waits before the next try; `failed` counts from 1. Default: the next try begins at once. */
  pause?(failed: number, error: unknown): Promise<void>;
}

/** Calls `run` until it succeeds. Throws the error of the last try, or the first one that is not retryable. */
export async function retry<Result>(
  run: () => Promise<Result>,
  { tries, isRetryable = () => true, pause = async () => undefined }: RetryOptions,
): Promise<Result> {
  for (let failed = 1; ; failed += 1) {
    try {
      return await run();
    } catch (error) {
      if (failed >= tries || !isRetryable(error)) throw error;
      await pause(failed, error);
    }
  }
}

/** Returns the delay after so many failures, in the unit of `first`: doubled after each, and at most `most`. */
export function backoff(
  failed: number,
  { first, most = Number.POSITIVE_INFINITY }: { readonly first: number; readonly most?: number },
): number {
  return Math.min(most, first * 2 ** (Math.max(1, failed) - 1));
}
