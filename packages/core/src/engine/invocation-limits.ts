/** The time that one delivery has. */
export interface InvocationLimits {
  /** When the process is taken away, epoch milliseconds: in Lambda the end of the invocation. Default: never. */
  readonly endsAt?: number;
}

/** The last parts of an invocation. */
export interface InvocationEnd {
  /** From here on the work is asked to end. */
  readonly stopAt: number;
  /** From here on it is waited for no more: what is left is for the answer. */
  readonly overAt: number;
}

/** Before the end of an invocation: time for an executor to stop in an orderly way, at most a quarter of all. */
const STOP_BEFORE_END_MS = 60_000;
/** The part of that time that is left for the answer. */
const ANSWER_PART = 1 / 12;

/** How an invocation ends that has just begun; undefined for one that has no end. */
export function toInvocationEnd({ endsAt }: InvocationLimits, now: number): InvocationEnd | undefined {
  if (endsAt === undefined || endsAt === Number.POSITIVE_INFINITY) return undefined;
  const spareMs = Math.max(0, Math.min(STOP_BEFORE_END_MS, (endsAt - now) / 4));
  return { stopAt: endsAt - spareMs, overAt: endsAt - spareMs * ANSWER_PART };
}
