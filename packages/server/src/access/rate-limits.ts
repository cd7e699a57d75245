import { StackyardError } from "@stackyard/core";
import { RateLimiterMemory } from "rate-limiter-flexible";
import { toRateKey } from "./caller.ts";

/** Counts calls by address. */
export interface RateLimit {
  /** Counts one. Throws `RATE_LIMITED` above the limit. */
  count(address: string | undefined): Promise<void>;
  /** Throws `RATE_LIMITED` when the limit was reached, and counts nothing. */
  check(address: string | undefined): Promise<void>;
}

const MINUTE_S = 60;

/** Creates a limit of so many calls a minute and address, counted by this process. */
export function createRateLimit(what: string, pointsAMinute: number): RateLimit {
  const limiter = new RateLimiterMemory({ points: pointsAMinute, duration: MINUTE_S });
  const toError = (waitMs: number) =>
    new StackyardError("RATE_LIMITED", `More than ${pointsAMinute} ${what} in a minute from your address. Wait.`, {
      details: { retryAfterMs: waitMs },
    });
  return {
    async count(address) {
      const key = toRateKey(address);
      const { consumedPoints, msBeforeNext } = await limiter.penalty(key, 1);
      if (consumedPoints > pointsAMinute) throw toError(msBeforeNext);
    },
    async check(address) {
      const counted = await limiter.get(toRateKey(address));
      if (counted !== null && counted.consumedPoints >= pointsAMinute) throw toError(counted.msBeforeNext);
    },
  };
}
