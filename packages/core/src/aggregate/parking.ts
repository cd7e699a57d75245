import { defined } from "../machine/json.ts";
import type { ParkedEvent, ParkedHead, QueuedEvent } from "../ports/stack-store.ts";
import type { MaskedKeys } from "./history-line.ts";

/** The time for which a parked event is retried, and the number of tries. */
export interface ParkingOptions {
  /** The number of decisions: the first, and those that were due by time. Default: 50. */
  readonly maxTries: number;
  /** The time from the first refusal. Default: one hour (`REFUSED_EVENTS_KEEP`). */
  readonly keepMs: number;
  /** The number of parked events of one stack; further ones are dead-lettered at once. Default: 1,000. */
  readonly maxParked: number;
}

/** The defaults: 50 tries or one hour, and at most 1,000 parked events per stack. */
export const DEFAULT_PARKING: ParkingOptions = { maxTries: 50, keepMs: 3_600_000, maxParked: 1_000 };

const FIRST_DELAYS_MS = [30_000, 60_000, 120_000, 240_000, 480_000];

const LATER_DELAY_MS = 900_000;

/** Returns when a parked event is due again: 30 s after it was parked, then after 1, 2, 4, 8 and every 15 minutes. */
export function nextTryAt(parkedAt: number, now: number): number {
  let at = parkedAt;
  for (const delay of FIRST_DELAYS_MS) {
    at += delay;
    if (at > now) return at;
  }
  return at + LATER_DELAY_MS * (Math.floor((now - at) / LATER_DELAY_MS) + 1);
}

/**
 * Returns whether a refused event is parked (again), or given up because of its tries or its age. A try because of a
 * change does not count: otherwise other events of the stack could use up the tries of this one within seconds.
 */
export function parkAgain(
  input: {
    readonly event: QueuedEvent;
    readonly before: ParkedHead | undefined;
    readonly code: string;
    readonly reason: string;
    readonly now: number;
    readonly masked?: MaskedKeys | undefined;
  },
  options: ParkingOptions,
): { readonly kind: "park" | "give-up"; readonly parked: ParkedEvent } {
  const { event, before, code, reason, now, masked } = input;
  const parkedAt = before?.parkedAt ?? now;
  const isCounted = before === undefined || before.nextTryAt <= now;
  const tries = (before?.tries ?? 0) + (isCounted ? 1 : 0);
  const parked = {
    event,
    code,
    reason,
    parkedAt,
    tries,
    nextTryAt: Math.min(nextTryAt(parkedAt, now), parkedAt + options.keepMs),
    ...defined({ masked, order: before?.order, mark: before?.mark }),
  };
  const over = tries >= options.maxTries || now - parkedAt >= options.keepMs;
  return { kind: over ? "give-up" : "park", parked };
}
