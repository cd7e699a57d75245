import type { SoakTime } from "./definition.ts";

/** The longest time between two checks of a closed condition. */
export const LONGEST_SLEEP_MS = 60_000;

/** The present result of one condition of a gate, or of a hold of `deploy`. */
export type Condition =
  | { readonly kind: "open" }
  /** Not now, but perhaps later. `until`: the next instant that is known, epoch milliseconds. */
  | Closed
  | Never;

/** A condition that can never hold any more. */
export interface Never {
  readonly kind: "never";
  readonly code: string;
  readonly message: string;
}

/** A condition that does not hold yet. */
export interface Closed {
  readonly kind: "closed";
  readonly code: string;
  /** Names what is closed, until which instant, and how to bypass it. The same text while nothing changes. */
  readonly message: string;
  readonly until?: number;
  /** It may open at any instant: when to examine it again, in milliseconds. Default: after the longest sleep. */
  readonly againAfterMs?: number;
  /** Of `FROZEN`: the name of the freeze. */
  readonly freeze?: string;
  /** The time of a soak, which its next look needs. */
  readonly soak?: SoakTime;
}

/** The condition that holds. */
export const OPEN: Condition = { kind: "open" };

/** Returns a closed condition. */
export function closed(code: string, message: string, until?: number): Closed {
  return { kind: "closed", code, message, ...(until === undefined ? {} : { until }) };
}

/** Returns a condition that never holds. */
export function never(code: string, message: string): Never {
  return { kind: "never", code, message };
}

/** Formats an instant for messages. */
export function formatInstant(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, "Z");
}

/**
 * Examines a condition. One that cannot be read is closed: `GATE_UNAVAILABLE`. Throws only when the call is aborted:
 * then nothing is known, and nothing is decided.
 */
export async function examineOrClose(
  name: string,
  signal: AbortSignal,
  examine: () => Promise<Condition>,
): Promise<Condition> {
  try {
    return await examine();
  } catch (error) {
    if (signal.aborted) throw error;
    const why = error instanceof Error ? error.message : String(error);
    return closed("GATE_UNAVAILABLE", `${name} cannot be examined, so it counts as closed: ${why}`);
  }
}
