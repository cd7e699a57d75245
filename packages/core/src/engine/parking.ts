import type { ParkedEvent, QueuedEvent } from "../ports/stack-store.ts";
import type { MaskedKeys } from "./masked-keys.ts";

/** How long and how often a refused event is tried again. */
export interface ParkingOptions {
  /** Decisions in all. Default 50. */
  readonly maxTries: number;
  /** From the first refusal. Default one hour (`REFUSED_EVENTS_KEEP`). */
  readonly keepMs: number;
  /** Of one stack; more are set aside at once. Default 1,000. */
  readonly maxParked: number;
}

/** How long a refused event waits for its turn: 50 tries or one hour, and 1,000 events of a stack at most. */
export const DEFAULT_PARKING: ParkingOptions = { maxTries: 50, keepMs: 3_600_000, maxParked: 1_000 };

const FIRST_DELAYS_MS = [30_000, 60_000, 120_000, 240_000, 480_000];
const LATER_DELAY_MS = 900_000;

/** When a parked event is due again: 30 s after it was parked, then 1, 2, 4, 8 and every 15 minutes later. */
export function nextTryAt(parkedAt: number, now: number): number {
  let at = parkedAt;
  for (const delay of FIRST_DELAYS_MS) {
    at += delay;
    if (at > now) return at;
  }
  return at + LATER_DELAY_MS * (Math.floor((now - at) / LATER_DELAY_MS) + 1);
}

/** What a refusal makes of an event: parked (again), or given up because of its tries or its age. */
export function parkAgain(
  input: {
    readonly event: QueuedEvent;
    readonly before: ParkedEvent | undefined;
    readonly code: string;
    readonly reason: string;
    readonly now: number;
    readonly masked?: MaskedKeys | undefined;
  },
  options: ParkingOptions,
): { readonly kind: "park" | "give-up"; readonly parked: ParkedEvent } {
  const { event, before, code, reason, now, masked } = input;
  const parkedAt = before?.parkedAt ?? now;
  const tries = (before?.tries ?? 0) + 1;
  const parked = {
    event,
    code,
    reason,
    parkedAt,
    tries,
    nextTryAt: Math.min(nextTryAt(parkedAt, now), parkedAt + options.keepMs),
    ...(masked === undefined ? {} : { masked }),
  };
  const over = tries >= options.maxTries || now - parkedAt >= options.keepMs;
  return { kind: over ? "give-up" : "park", parked };
}
