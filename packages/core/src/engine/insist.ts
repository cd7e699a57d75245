import { isPassing } from "../errors/error-text.ts";
import type { Clock } from "../ports/clock.ts";

const TRIES = 6;
const FIRST_WAIT_MS = 250;

/**
 * Calls again, later and later, while a call fails for a reason that passes: the outcome of an hour of work is not to
 * be lost because a store did not answer once. About 8 seconds in all; then the error flies.
 */
export async function insist<Result>(clock: Clock, call: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await call();
    } catch (error) {
      if (tries >= TRIES || !isPassing(error)) throw error;
      await clock.sleep(FIRST_WAIT_MS * 2 ** (tries - 1));
    }
  }
}
