import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AdaptiveBucket, type BucketInput, createAdaptiveBucket } from "./adaptive-bucket.ts";

const START = Date.UTC(2026, 0, 1);

/** Calls as fast as the bucket lets them, for so long. Gives when each went, in milliseconds from the start. */
function callFor(bucket: AdaptiveBucket, ms: number, start = START): readonly number[] {
  const went: number[] = [];
  for (let now = start; now < start + ms; ) {
    const waitMs = bucket.waitMs(now);
    now += waitMs;
    if (waitMs > 0) continue;
    bucket.take(now);
    went.push(now - start);
    if (went.length > 100_000) throw new Error("The bucket has no bottom.");
  }
  return went.filter((at) => at < ms);
}

describe("a bucket", () => {
  it("lets a second's calls go at once, and then so many a second", () => {
    const went = callFor(createAdaptiveBucket({ perSecond: 10 }), 3_000);

    expect(went.slice(0, 10).every((at) => at === 0)).toBe(true);
    expect(went).toHaveLength(10 + 29);
  });

  it("lets a burst go that is smaller or larger than a second's calls", () => {
    expect(callFor(createAdaptiveBucket({ perSecond: 10, burst: 2 }), 1_000)).toHaveLength(2 + 9);
    expect(callFor(createAdaptiveBucket({ perSecond: 10, burst: 50 }), 1_000)).toHaveLength(50 + 9);
  });

  it("never lets more go in any second than burst and rate, whatever happens to it", () => {
    const input = fc.record({ perSecond: fc.integer({ min: 1, max: 50 }), burst: fc.integer({ min: 1, max: 50 }) });
    const acts = fc.array(fc.oneof(fc.constant("slow" as const), fc.integer({ min: 0, max: 700 })), { maxLength: 60 });
    fc.assert(
      fc.property(input, acts, (limits: Required<BucketInput>, steps) => {
        const went = play(createAdaptiveBucket(limits), steps);

        for (const at of went) {
          const within = went.filter((other) => other >= at && other < at + 1_000).length;
          expect(within).toBeLessThanOrEqual(limits.burst + limits.perSecond);
        }
      }),
      { numRuns: 50 },
    );
  });
});

/** Lets time pass and throttles; after each step up to five calls go, if they may. */
function play(bucket: AdaptiveBucket, steps: readonly ("slow" | number)[]): readonly number[] {
  let now = START;
  const went: number[] = [];
  for (const step of steps) {
    if (step === "slow") bucket.slowDown(now);
    else now += step;
    for (let tries = 0; tries < 5 && bucket.waitMs(now) === 0; tries += 1) {
      bucket.take(now);
      went.push(now);
    }
  }
  return went;
}

describe("a bucket that was throttled", () => {
  it("lets 70 % of the calls go that it let go before", () => {
    const bucket = createAdaptiveBucket({ perSecond: 100, burst: 1 });
    callFor(bucket, 2_000);

    bucket.slowDown(START + 2_000);

    expect(bucket.rate(START + 2_000)).toBeGreaterThan(60);
    expect(bucket.rate(START + 2_000)).toBeLessThan(80);
  });

  it("comes back to its quota within seconds, and not above", () => {
    const bucket = createAdaptiveBucket({ perSecond: 100 });
    bucket.slowDown(START);

    expect(bucket.rate(START + 10_000)).toBeCloseTo(50.5);
    expect(bucket.rate(START + 60_000)).toBe(100);
  });

  it("takes what is throttled together as one sign", () => {
    const bucket = createAdaptiveBucket({ perSecond: 100, burst: 1 });
    callFor(bucket, 2_000);

    for (let n = 0; n < 20; n += 1) bucket.slowDown(START + 2_000 + n);

    expect(bucket.rate(START + 2_020)).toBeGreaterThan(60);
  });

  it("lets a call go every two seconds at the worst", () => {
    const bucket = createAdaptiveBucket({ perSecond: 1 });
    for (let second = 0; second < 60; second += 1) bucket.slowDown(START + second * 1_000);

    expect(bucket.waitMs(START + 59_000)).toBeLessThanOrEqual(2_000);
  });
});

describe("a bucket without a documented rate", () => {
  it("lets everything go", () => {
    const bucket = createAdaptiveBucket();

    for (let n = 0; n < 10_000; n += 1) bucket.take(START);

    expect(bucket.waitMs(START)).toBe(0);
  });

  it("learns the rate when it is throttled, and forgets it when nothing happens", () => {
    const bucket = createAdaptiveBucket();
    for (let n = 0; n < 200; n += 1) bucket.take(START + n * 5);

    bucket.slowDown(START + 1_000);

    expect(bucket.rate(START + 1_000)).toBeCloseTo(140, -1);
    expect(bucket.waitMs(START + 1_000)).toBeGreaterThan(0);
    expect(bucket.rate(START + 120_000)).toBe(Number.POSITIVE_INFINITY);
    expect(bucket.waitMs(START + 120_000)).toBe(0);
  });
});
