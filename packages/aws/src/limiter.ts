import { type Clock, RecentMap } from "@stackyard/core";
import { findAwsFault } from "./aws-fault.ts";

/** One call, as quotas are counted: per account of the credentials, region and service. */
export interface LimitedCall {
  /** The account of the credentials that sign it. */
  readonly account: string;
  readonly region: string;
  /** As the SDK names the client, without `Client`. */
  readonly service: string;
  readonly operation: string;
  readonly input?: unknown;
}

/** Delays calls to stay within an account's quotas. One for all clients of a process. */
export interface Limiter {
  /** Resolves when the call may go, in the order of asking. Rejects with the signal's reason when it is aborted. */
  acquire(call: LimitedCall, signal?: AbortSignal): Promise<void>;
  /** Records a throttled call: calls of the same quota slow down. */
  noteThrottled(call: LimitedCall): void;
}

/** The dependencies of a limiter. */
export interface LimiterInput {
  readonly clock: Clock;
  /** Default: the documented ones. Raised quotas of an account go here. */
  readonly quotas?: readonly Quota[];
}

/** Creates a limiter for the documented quotas, which also adapts to throttling. */
export function createLimiter({ clock, quotas = QUOTAS }: LimiterInput): Limiter {
  const lanes = new RecentMap<string, Lane>(MAX_LANES);

  function findLane(call: LimitedCall): Lane {
    const quota = findQuota(quotas, call.service, call.operation);
    const make = () => createLane(createAdaptiveBucket(quota), clock);
    // Accounts and buckets come from tasks: unused lanes are evicted, and are full again when they return.
    return lanes.findOr(toKey(call, quota), make);
  }

  return {
    acquire: (call, signal) => findLane(call).acquire(signal),
    noteThrottled: (call) => findLane(call).slowDown(),
  };
}

const MAX_LANES = 4_096;

function toKey({ account, region, service, operation, input }: LimitedCall, quota: Quota | undefined): string {
  const group = quota === undefined ? operation : `${quota.operations === "others" ? "others" : quota.operations[0]}`;
  const scope = quota?.scope === undefined ? "" : String(readField(input, quota.scope));
  return [account, region, service, group, scope].join("|");
}

function readField(input: unknown, field: string): unknown {
  return typeof input === "object" && input !== null ? Reflect.get(input, field) : undefined;
}

interface Lane {
  acquire(signal?: AbortSignal): Promise<void>;
  slowDown(): void;
}

/** The rate recovers meanwhile, so the wait is recomputed. */
const MAX_NAP_MS = 250;

/** Calls of one quota, one behind the other. */
function createLane(bucket: AdaptiveBucket, clock: Clock): Lane {
  const waiting = new Set<() => void>();
  let pumping = false;

  async function pump(): Promise<void> {
    pumping = true;
    for (let next = first(waiting); next !== undefined; next = first(waiting)) {
      const waitMs = bucket.waitMs(clock.now());
      if (waitMs > 0) {
        await clock.sleep(Math.min(waitMs, MAX_NAP_MS));
        continue;
      }
      waiting.delete(next);
      bucket.take(clock.now());
      next();
    }
    pumping = false;
  }

  return {
    async acquire(signal) {
      signal?.throwIfAborted();
      if (waiting.size === 0 && bucket.waitMs(clock.now()) === 0) return bucket.take(clock.now());
      await new Promise<void>((resolve, reject) => {
        const go = (): void => {
          signal?.removeEventListener("abort", leave);
          resolve();
        };
        const leave = (): void => {
          waiting.delete(go);
          reject(signal?.reason);
        };
        waiting.add(go);
        signal?.addEventListener("abort", leave, { once: true });
        if (!pumping) void pump();
      });
    },
    slowDown: () => bucket.slowDown(clock.now()),
  };
}

function first<T>(set: ReadonlySet<T>): T | undefined {
  return set.values().next().value;
}

/** Extends each call of an SDK client, as an argument of `client.middlewareStack.use`: any of the SDK's pluggables. */
export interface ClientPlugin {
  applyToStack(stack: never): void;
}

/** The part of the SDK's middleware stack in use; typed structurally, because every service has its own types. */
interface Stack {
  addRelativeTo(middleware: Middleware, options: Readonly<Record<string, unknown>>): void;
}

type Handle = (args: { readonly input: unknown }) => Promise<unknown>;
type Middleware = (next: Handle, context: Context) => Handle;
type Context = { readonly clientName?: unknown; readonly commandName?: unknown };

/** The dependencies of one client's plugin. */
interface LimiterPluginInput {
  readonly limiter: Limiter;
  readonly region: () => Promise<string>;
  /** Returns the account of the credentials; `own` if it need not be known. */
  readonly account: () => string;
}

/** Makes every attempt of a client's calls wait for the limiter, and reports throttling to it. */
export function createLimiterPlugin({ limiter, region, account }: LimiterPluginInput): ClientPlugin {
  return {
    applyToStack(stack: Stack) {
      stack.addRelativeTo(
        (next, context) => async (args) => {
          const call: LimitedCall = {
            account: account(),
            region: await region(),
            service: String(context.clientName).replace(/Client$/, ""),
            operation: String(context.commandName).replace(/Command$/, ""),
            input: args.input,
          };
          await limiter.acquire(call, findSignal(context));
          try {
            return await next(args);
          } catch (error) {
            if (markThrottled(error)) limiter.noteThrottled(call);
            throw error;
          }
        },
        // Inside the retries, so that each attempt counts.
        { name: "stackyardLimiter", relation: "after", toMiddleware: "retryMiddleware", override: true },
      );
    },
  };
}

/** Returns true for a throttled call. The SDK goes by names: it would not retry a throttle that another error wraps. */
function markThrottled(error: unknown): boolean {
  const { throttled } = findAwsFault(error);
  if (throttled) Object.assign(Object(error), { $retryable: { throttling: true } });
  return throttled;
}

/** Returns the signal of `send`, which the SDK stores in its own part of the context. */
export function findSignal(context: object): AbortSignal | undefined {
  const own: unknown = Reflect.get(context, "__smithy_context");
  const signal: unknown = typeof own === "object" && own !== null ? Reflect.get(own, "abortSignal") : undefined;
  return signal instanceof AbortSignal ? signal : undefined;
}

/** A token bucket with a rate that falls on throttling and recovers with time. Instants: epoch milliseconds. */
export interface AdaptiveBucket {
  /** Returns the milliseconds until the next call may start; 0: now. */
  waitMs(now: number): number;
  /** Records a call. */
  take(now: number): void;
  /** Records that the service has throttled a call. */
  slowDown(now: number): void;
  /** Returns the present calls per second; infinite if nothing is documented and nothing was throttled. */
  rate(now: number): number;
}

/** The fill of a bucket. Without a rate it is bottomless until the service throttles. */
export type BucketInput = Partial<Pick<Quota, "perSecond" | "burst">>;

// As in the SDK's adaptive mode: to 70 % when throttled, and never below one call in two seconds.
const BACK_OFF = 0.7;
const MIN_RATE = 0.5;
/** Calls that are under way together are throttled together: that is one sign, not many. */
const ONE_SIGN_MS = 1_000;
/** The share of the full rate that recovers each second, so that a quota is tried again within seconds. */
const RECOVERY = 0.05;
/** At this multiple of the throttled rate, an undocumented limit is forgotten. */
const FORGET_AT = 4;

/** Creates a full bucket. */
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

/** Creates a meter of the calls in the last second, from two windows of a second each. */
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

/** A documented rate of calls. Several operations of a row share it. */
export interface Quota {
  /** As the SDK names the client, without `Client`: `STS`, `S3`, `SecretsManager`. */
  readonly service: string;
  readonly operations: readonly string[] | "others";
  readonly perSecond: number;
  /** Concurrent calls after a pause. Default: those of one second. */
  readonly burst?: number;
  /** A field of the input with a separate quota per value, such as `Bucket`. */
  readonly scope?: string;
}

/**
 * Documented quotas per account and region. If a service documents none, calls are unlimited until it throttles.
 * Sources: "IAM and AWS STS quotas" (reference_iam-quotas, "AWS STS request quotas": all calls that are made with
 * credentials share one); "Optimizing Amazon S3 performance" (the minimum per prefix: several processes and prefixes
 * have more, so the bucket's one is where one process may start); "AWS Secrets Manager quotas" (reference_limits);
 * "Lambda quotas" (gettingstarted-limits, "Lambda API requests": invocations are 10 times the concurrency, 1,000 by
 * default).
 */
export const QUOTAS: readonly Quota[] = [
  { service: "STS", operations: "others", perSecond: 600 },
  {
    service: "S3",
    operations: ["GetObject", "HeadObject", "ListObjectsV2", "ListObjectVersions", "HeadBucket"],
    perSecond: 5_500,
    scope: "Bucket",
  },
  { service: "S3", operations: "others", perSecond: 3_500, scope: "Bucket" },
  { service: "SecretsManager", operations: ["DescribeSecret", "GetSecretValue"], perSecond: 10_000 },
  { service: "SecretsManager", operations: ["BatchGetSecretValue"], perSecond: 100 },
  { service: "SecretsManager", operations: ["ListSecrets"], perSecond: 100 },
  { service: "SecretsManager", operations: ["GetRandomPassword"], perSecond: 50 },
  { service: "SecretsManager", operations: "others", perSecond: 50 },
  { service: "Lambda", operations: ["Invoke", "InvokeWithResponseStream"], perSecond: 10_000 },
  { service: "Lambda", operations: ["GetFunction"], perSecond: 100 },
  { service: "Lambda", operations: ["GetPolicy"], perSecond: 15 },
  { service: "Lambda", operations: "others", perSecond: 15 },
];

/** Returns the quota of a call; undefined if none is documented. */
function findQuota(quotas: readonly Quota[], service: string, operation: string): Quota | undefined {
  const ofService = quotas.filter((quota) => quota.service === service);
  return (
    ofService.find(({ operations }) => operations !== "others" && operations.includes(operation)) ??
    ofService.find(({ operations }) => operations === "others")
  );
}
