import { LambdaClient, ListFunctionsCommand } from "@aws-sdk/client-lambda";
import { createAwsSim, createSimPlugin, SimFault } from "@stackyard/aws-sim";
import { createFakeClock } from "@stackyard/core/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createAwsAccess } from "./aws-access.ts";
import {
  type AdaptiveBucket,
  type BucketInput,
  createAdaptiveBucket,
  createLimiter,
  type LimitedCall,
  type Limiter,
} from "./limiter.ts";

const call: LimitedCall = {
  account: "own",
  region: "eu-west-1",
  service: "Lambda",
  operation: "GetFunctionConfiguration",
};

function createWorld() {
  const clock = createFakeClock();
  const limiter = createLimiter({ clock });
  const went: string[] = [];
  const ask = (name: string, of: Partial<LimitedCall> = {}, signal?: AbortSignal): Promise<void> =>
    limiter.acquire({ ...call, ...of }, signal).then(
      () => void went.push(name),
      () => void went.push(`${name} left`),
    );
  return { clock, limiter, went, ask };
}

const names = (count: number, of: string): readonly string[] => Array.from({ length: count }, (_, n) => `${of}${n}`);

describe("a limiter", () => {
  it("lets as many calls go as the service documents, in the order of asking", async () => {
    const { clock, went, ask } = createWorld();
    for (const name of names(30, "a")) void ask(name);

    await clock.advance(0);
    expect(went).toEqual(names(30, "a").slice(0, 15));
    await clock.advance(1_000);

    expect(went).toEqual(names(30, "a"));
  });

  it("counts operations together that share a quota, and others apart", async () => {
    const { clock, went, ask } = createWorld();
    for (const name of names(15, "a")) void ask(name);

    void ask("same", { operation: "UpdateFunctionCode" });
    void ask("own quota", { operation: "GetPolicy" });
    void ask("other account", { account: "444455556666" });
    void ask("other region", { region: "eu-central-1" });
    void ask("other service", { service: "STS", operation: "AssumeRole" });
    await clock.advance(0);

    expect(went.slice(15)).toEqual(["own quota", "other account", "other region", "other service"]);
    await clock.advance(100);
    expect(went.at(-1)).toBe("same");
  });

  it("counts each bucket of S3 apart", async () => {
    const { clock, went } = createWorld();
    const limiter = createLimiter({
      clock,
      quotas: [{ service: "S3", operations: "others", perSecond: 1, scope: "Bucket" }],
    });
    const put = (Bucket: string) =>
      limiter
        .acquire({ ...call, service: "S3", operation: "PutObject", input: { Bucket } })
        .then(() => went.push(Bucket));
    void put("a");
    void put("a");
    void put("b");

    await clock.advance(0);

    expect(went).toEqual(["a", "b"]);
  });

  it("slows all down that share a quota when one of them is throttled", async () => {
    const { clock, limiter, went, ask } = createWorld();
    void ask("first");
    await clock.advance(0);

    limiter.noteThrottled(call);
    void ask("second", { operation: "ListFunctions" });
    await clock.advance(0);
    expect(went).toEqual(["first"]);
    await clock.advance(2_000);

    expect(went).toEqual(["first", "second"]);
  });

  it("remembers that it was throttled while thousands of other accounts come and go", async () => {
    const { clock, limiter, went, ask } = createWorld();
    limiter.noteThrottled(call);
    for (let other = 0; other < 6_000; other += 1) {
      void ask("other", { account: `${other}` });
      // The process's own calls continue meanwhile.
      if (other % 1_000 === 0) void ask("own");
    }

    await clock.advance(0);

    expect(went.includes("own")).toBe(false);
  });

  it("lets go who is no longer waited for, and the others do not wait longer", async () => {
    const { clock, went, ask } = createWorld();
    const aborted = new AbortController();
    for (const name of names(15, "a")) void ask(name);
    void ask("gone", {}, aborted.signal);
    void ask("next");
    await clock.advance(0);

    aborted.abort();
    await clock.advance(70);

    expect(went.slice(15)).toEqual(["gone left", "next"]);
    await ask("late", {}, aborted.signal);
    expect(went.at(-1)).toBe("late left");
  });

  it("has as many calls as an account that was given more", async () => {
    const clock = createFakeClock();
    const limiter = createLimiter({ clock, quotas: [{ service: "Lambda", operations: "others", perSecond: 500 }] });
    let went = 0;

    for (let n = 0; n < 500; n += 1) void limiter.acquire(call).then(() => (went += 1));
    await clock.advance(0);

    expect(went).toBe(500);
  });
});

function createWorldLimiterPlugin() {
  const clock = createFakeClock();
  const sim = createAwsSim({ clock });
  const told: string[] = [];
  const tell = (what: string, { account, region, service, operation }: LimitedCall): void =>
    void told.push([what, account, region, service, operation].join(" "));
  const limiter: Limiter = {
    acquire: async (call) => tell("call", call),
    noteThrottled: (call) => tell("throttled", call),
  };
  sim.iam.addRole({ account: "444455556666", name: "deployer" });
  const credentials = sim.iam.addUser({ account: "111122223333", name: "runner" });
  const access = createAwsAccess({
    clock,
    credentials,
    limiter,
    region: "us-east-1",
    session: { name: "runner" },
    maxAttempts: 3,
    plugins: [createSimPlugin(sim)],
    // The SDK's own limiter would wait in real time.
    clientConfig: { retryMode: "standard" },
  });
  return { sim, told, access };
}

const answer = () => Promise.resolve({ Functions: [] });

describe("every attempt", () => {
  it("is counted for the account and region that its credentials and client are of", async () => {
    const { sim, told, access } = createWorldLimiterPlugin();
    sim.once("Lambda.ListFunctions", answer);
    const target = { account: "444455556666", region: "eu-west-1", partition: "aws", role: "deployer" };

    await access.client(LambdaClient, target).send(new ListFunctionsCommand({}));

    expect(told).toEqual([
      "call own us-east-1 STS GetCallerIdentity",
      "call own us-east-1 STS AssumeRole",
      "call 444455556666 eu-west-1 Lambda ListFunctions",
    ]);
  });

  it("waits again when the SDK retries, after throttling was reported", async () => {
    const { sim, told, access } = createWorldLimiterPlugin();
    sim.once("Lambda.ListFunctions", () =>
      Promise.reject(new SimFault("TooManyRequestsException", 429, "Rate Exceeded.")),
    );
    sim.once("Lambda.ListFunctions", () => Promise.reject(new SimFault("ServiceException", 500, "x")));
    sim.once("Lambda.ListFunctions", answer);

    await access.client(LambdaClient, undefined).send(new ListFunctionsCommand({}));

    const call = "own us-east-1 Lambda ListFunctions";
    expect(told).toEqual([`call ${call}`, `throttled ${call}`, `call ${call}`, `call ${call}`]);
  });
});

describe("a throttle that another error wraps", () => {
  // aws/aws-sdk-go#1727: the SDK retries by name, and this name says that the request is wrong.
  it("is retried, and slows down", async () => {
    const { sim, told, access } = createWorldLimiterPlugin();
    const text = "Your request has been throttled by EC2. EC2 Error Code: RequestLimitExceeded.";
    sim.once("Lambda.ListFunctions", () => Promise.reject(new SimFault("InvalidParameterValueException", 400, text)));
    sim.once("Lambda.ListFunctions", answer);

    await access.client(LambdaClient, undefined).send(new ListFunctionsCommand({}));

    const call = "own us-east-1 Lambda ListFunctions";
    expect(told).toEqual([`call ${call}`, `throttled ${call}`, `call ${call}`]);
  });
});

describe("a call that waits for the limiter", () => {
  it("ends with its signal", async () => {
    const { sim } = createWorldLimiterPlugin();
    const clock = createFakeClock();
    const credentials = sim.iam.addUser({ account: "111122223333", name: "other" });
    const waiting: AbortSignal[] = [];
    const limiter: Limiter = {
      acquire: (_, signal) =>
        new Promise((_resolve, reject) => {
          if (signal === undefined) return;
          waiting.push(signal);
          signal.addEventListener("abort", () => reject(signal.reason));
          aborted.abort();
        }),
      noteThrottled() {},
    };
    const aborted = new AbortController();
    const access = createAwsAccess({
      clock,
      credentials,
      limiter,
      region: "us-east-1",
      session: { name: "runner" },
      plugins: [createSimPlugin(sim)],
    });

    const sending = access
      .client(LambdaClient, undefined)
      .send(new ListFunctionsCommand({}), { abortSignal: aborted.signal });

    await expect(sending).rejects.toMatchObject({ name: "AbortError" });
    expect(waiting).toHaveLength(1);
  });
});

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
