import { type Clock, defined } from "@stackyard/core";
import { runTimed } from "./invocation.ts";

/** The part of a Lambda invocation's context that functions use. A manual test call may lack it. */
export interface LambdaContext {
  readonly awsRequestId?: string;
  readonly functionName?: string;
  getRemainingTimeInMillis?(): number;
}

/** The time that a function keeps for itself. */
export interface KeptTime {
  /**
   * False where the work plans its own end, and does not see that of its calls. Default: true, it ends with its calls,
   * some seconds before the function.
   */
  readonly limitsCalls?: boolean;
  /** The longest that one call may take. Default: as long as all calls. */
  readonly callMs?: number;
  /** For what follows a denied call that is not repeated any more; at most a third. Default: 5 s, at most a quarter. */
  readonly afterDenialsMs?: number;
}

/** For what follows a call without an answer: a record, a result, a line of the log; at most a quarter. */
const AFTER_CALLS_MS = 5_000;

/**
 * For the tries of a result that could not be written, and a line of the log; at most a sixth, since work that plans its own
 * end stops a quarter of a short invocation before it, and its result needs calls.
 */
const AFTER_OWN_CALLS_MS = 10_000;

/**
 * Runs the work of an invocation. A call of AWS that is not answered fails some seconds before the function's end, and a
 * denied call of a new role is not repeated beyond it.
 */
export function runInvocation<Result>(
  clock: Pick<Clock, "now">,
  context: LambdaContext | undefined,
  work: () => Promise<Result>,
  { limitsCalls = true, callMs, afterDenialsMs }: KeptTime = {},
): Promise<Result> {
  const leftMs = context?.getRemainingTimeInMillis?.();
  if (leftMs === undefined) return work();
  const endsAt = clock.now() + leftMs;
  const callsEndAt = endsAt - Math.min(AFTER_CALLS_MS, leftMs / 4);
  const denialsUntil = afterDenialsMs === undefined ? callsEndAt : endsAt - Math.min(afterDenialsMs, leftMs / 3);
  const end = limitsCalls
    ? { deadlineAt: callsEndAt }
    : { callsUntil: endsAt - Math.min(AFTER_OWN_CALLS_MS, leftMs / 6) };
  return runTimed({ ...end, ...defined({ callMs }), denialsUntil }, work).result;
}
