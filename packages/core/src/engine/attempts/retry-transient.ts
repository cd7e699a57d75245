import { isPassing } from "../../errors/stackyard-error.ts";
import type { Clock } from "../../ports/clock.ts";
import { backoff, retry } from "../../retry.ts";

const TRIES = 6;
const FIRST_WAIT_MS = 250;

/**
 * Retries a call with exponential backoff while it fails with a transient error, for about 8 seconds. Then throws the
 * error. The result of a long task must not be lost because the store failed once.
 */
export function retryTransient<Result>(clock: Clock, call: () => Promise<Result>): Promise<Result> {
  const pause = (failed: number) => clock.sleep(backoff(failed, { first: FIRST_WAIT_MS }));
  return retry(call, { tries: TRIES, isRetryable: isPassing, pause });
}
