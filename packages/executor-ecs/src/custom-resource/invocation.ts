import { type Clock, StackyardError } from "@stackyard/core";

/** What Lambda tells of an invocation; what is read of it. */
export interface InvocationContext {
  getRemainingTimeInMillis?(): number;
}

/** One call of the function and its time. */
export interface Invocation {
  /** Aborted when the time for work is over. */
  readonly signal: AbortSignal;
  /** Nobody else may work on the same request for so long: the function cannot live longer. */
  readonly ttlMs: number;
  /** Rejects with `TIMED_OUT` when the time for the work is over; what is left is for an answer. */
  run<Result>(work: Promise<Result>): Promise<Result>;
}

const LEFT_FOR_ANSWER_MS = 20_000;
/** Where nobody tells how long the function may live. */
const DEFAULT_TTL_MS = 60_000;

/** Ends work 20 s before the function ends; in functions that have not twice as much, at half of their time. */
export function createInvocation(clock: Clock, context: InvocationContext | undefined): Invocation {
  const remainingMs = context?.getRemainingTimeInMillis?.();
  const controller = new AbortController();
  return {
    signal: controller.signal,
    ttlMs: remainingMs ?? DEFAULT_TTL_MS,
    async run(work) {
      if (remainingMs === undefined) return work;
      const ended = new AbortController();
      const timeUp = clock.sleep(Math.max(remainingMs - LEFT_FOR_ANSWER_MS, remainingMs / 2), ended.signal);
      try {
        return await Promise.race([work, timeUp.then(() => toTimedOut(controller, ended.signal))]);
      } finally {
        ended.abort();
      }
    },
  };
}

/** A sleeper that is called off wakes too; by then the race is over. */
function toTimedOut(controller: AbortController, ended: AbortSignal): Promise<never> {
  const error = new StackyardError("TIMED_OUT", "The function's time is nearly over.");
  if (!ended.aborted) controller.abort(error);
  return Promise.reject(error);
}
