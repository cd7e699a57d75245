/** The time limit of one delivery. */
export interface InvocationLimits {
  /** When the process is stopped, in epoch milliseconds: in Lambda the end of the invocation. Default: never. */
  readonly endsAt?: number;
}

/** When an invocation aborts its work, and when it stops waiting for it, in epoch milliseconds. */
export interface InvocationEnd {
  /** When the call of the executor is aborted. */
  readonly stopAt: number;
  /** When the worker stops waiting for the call. The rest of the time is for writing the result. */
  readonly overAt: number;
}

/** The time for an executor to shut down cleanly before the invocation ends; at most a quarter of the invocation. */
const STOP_BEFORE_END_MS = 60_000;
/** The share of that time that is left for writing the result. */
const ANSWER_PART = 1 / 12;

/** Returns the end of an invocation that has just begun; undefined for one without a time limit. */
export function toInvocationEnd({ endsAt }: InvocationLimits, now: number): InvocationEnd | undefined {
  if (endsAt === undefined || endsAt === Number.POSITIVE_INFINITY) return undefined;
  const spareMs = Math.max(0, Math.min(STOP_BEFORE_END_MS, (endsAt - now) / 4));
  return { stopAt: endsAt - spareMs, overAt: endsAt - spareMs * ANSWER_PART };
}
