/** A service's own token bucket for one account, region and group of operations. */
export interface Throttle {
  /** False: the call is refused. */
  admit(key: string, now: number): boolean;
}

/** So many calls a second, and so many at once after a pause. */
export interface ThrottleInput {
  readonly perSecond: number;
  readonly burst?: number;
}

/** Buckets that are full at first and are refilled by the second. */
export function createThrottle({ perSecond, burst = perSecond }: ThrottleInput): Throttle {
  const buckets = new Map<string, { tokens: number; at: number }>();
  return {
    admit(key, now) {
      const bucket = buckets.get(key) ?? { tokens: burst, at: now };
      const tokens = Math.min(burst, bucket.tokens + (Math.max(0, now - bucket.at) / 1_000) * perSecond);
      const admitted = tokens >= 1;
      buckets.set(key, { tokens: admitted ? tokens - 1 : tokens, at: now });
      return admitted;
    },
  };
}
