import type { Clock } from "@stackyard/core";
import { type AdaptiveBucket, createAdaptiveBucket } from "./adaptive-bucket.ts";
import { findQuota, QUOTAS, type Quota } from "./quotas.ts";
import { findRecentlyUsed } from "./recently-used.ts";

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

/** Holds calls back so that an account's quotas last. One for all clients of a process. */
export interface Limiter {
  /** Resolves when the call may go, in the order of asking. Rejects with the signal's reason when it is aborted. */
  acquire(call: LimitedCall, signal?: AbortSignal): Promise<void>;
  /** The service has throttled the call: those that count against the same quota slow down. */
  noteThrottled(call: LimitedCall): void;
}

/** What a limiter works with. */
export interface LimiterInput {
  readonly clock: Clock;
  /** Default: the documented ones. Raised quotas of an account go here. */
  readonly quotas?: readonly Quota[];
}

/** A limiter for the documented quotas, which also learns from being throttled. */
export function createLimiter({ clock, quotas = QUOTAS }: LimiterInput): Limiter {
  const lanes = new Map<string, Lane>();

  function findLane(call: LimitedCall): Lane {
    const quota = findQuota(quotas, call.service, call.operation);
    const make = () => {
      const bucket = createAdaptiveBucket({
        ...(quota === undefined ? {} : { perSecond: quota.perSecond }),
        ...(quota?.burst === undefined ? {} : { burst: quota.burst }),
      });
      return createLane(bucket, clock);
    };
    // Accounts and buckets come out of tasks: what is not used goes, and is full again when it comes back.
    return findRecentlyUsed(lanes, toKey(call, quota), { max: MAX_LANES, make });
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

/** The rate grows back meanwhile, so the time to wait is worked out anew. */
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
