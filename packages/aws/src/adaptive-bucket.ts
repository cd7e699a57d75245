/** A token bucket whose rate falls when the service throttles and grows back with time. Instants: epoch milliseconds. */
export interface AdaptiveBucket {
  /** Milliseconds until the next call may go; 0: it may go now. */
  waitMs(now: number): number;
  /** A call goes. */
  take(now: number): void;
  /** The service has asked for fewer calls. */
  slowDown(now: number): void;
  /** Calls a second at present; infinite where nothing is documented and nothing was throttled. */
  rate(now: number): number;
}

/** How a bucket is filled. Without a rate it is bottomless until the service throttles. */
export interface BucketInput {
  readonly perSecond?: number;
  readonly burst?: number;
}

// The numbers of the SDK's adaptive mode: to 70 % when throttled, and never below one call in two seconds.
const BACK_OFF = 0.7;
const MIN_RATE = 0.5;
/** Calls that are under way together are throttled together: that is one sign, not many. */
const ONE_SIGN_MS = 1_000;
/** The share of the full rate that comes back each second, so that a quota is tried again within seconds. */
const RECOVERY = 0.05;
/** So far above the rate at which it was throttled, an undocumented limit counts as gone. */
const FORGET_AT = 4;

/** A bucket that is full. */
export function createAdaptiveBucket({ perSecond, burst }: BucketInput = {}): AdaptiveBucket {
  const quota = perSecond ?? Number.POSITIVE_INFINITY;
  let rate = quota;
  let full = quota;
  let tokens = burst ?? Math.max(1, quota);
  let filledAt = Number.NEGATIVE_INFINITY;
  let slowedAt = Number.NEGATIVE_INFINITY;
  const measured = createRateMeter();

  function refill(now: number): void {
    const seconds = filledAt === Number.NEGATIVE_INFINITY ? 0 : Math.max(0, now - filledAt) / 1_000;
    filledAt = Math.max(filledAt, now);
    if (rate === Number.POSITIVE_INFINITY) return;
    rate = Math.min(quota, rate + full * RECOVERY * seconds);
    if (quota === Number.POSITIVE_INFINITY && rate >= full * FORGET_AT) rate = quota;
    if (rate === Number.POSITIVE_INFINITY) return;
    const capacity = rate === quota ? (burst ?? Math.max(1, quota)) : Math.max(1, rate);
    tokens = Math.min(capacity, tokens + rate * seconds);
  }

  return {
    waitMs(now) {
      refill(now);
      if (rate === Number.POSITIVE_INFINITY || tokens >= 1) return 0;
      return Math.ceil(((1 - tokens) / rate) * 1_000);
    },
    take(now) {
      refill(now);
      measured.count(now);
      if (rate !== Number.POSITIVE_INFINITY) tokens -= 1;
    },
    slowDown(now) {
      refill(now);
      if (now - slowedAt < ONE_SIGN_MS) return;
      slowedAt = now;
      const reached = Math.min(rate, Math.max(MIN_RATE, measured.perSecond(now)));
      full = quota === Number.POSITIVE_INFINITY ? reached : quota;
      rate = Math.max(MIN_RATE, reached * BACK_OFF);
      tokens = 0;
    },
    rate(now) {
      refill(now);
      return rate;
    },
  };
}

/** How many calls went in the last second, from two windows of a second each. */
function createRateMeter() {
  let window = Number.NEGATIVE_INFINITY;
  let current = 0;
  let last = 0;
  function turn(now: number): number {
    const second = Math.floor(now / 1_000);
    if (second !== window) {
      last = second === window + 1 ? current : 0;
      current = 0;
      window = second;
    }
    return (now % 1_000) / 1_000;
  }
  return {
    count(now: number): void {
      turn(now);
      current += 1;
    },
    perSecond(now: number): number {
      const elapsed = turn(now);
      return current + last * (1 - elapsed);
    },
  };
}
