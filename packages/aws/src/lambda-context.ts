import type { Clock } from "@stackyard/core";
import { runTimed } from "./invocation.ts";

/** The part of a Lambda invocation's context that functions use. A manual test call may lack it. */
export interface LambdaContext {
  readonly awsRequestId?: string;
  readonly functionName?: string;
  getRemainingTimeInMillis?(): number;
}

/** What a function keeps of its time, each at most a quarter of it. */
export interface KeptTime {
  /** For what follows a call without an answer: a record, a result, a line of the log. Default: 5 s. */
  readonly afterCallsMs?: number;
  /** For what follows a denied call that is not repeated any more. Default: `afterCallsMs`. */
  readonly afterDenialsMs?: number;
}

const AFTER_CALLS_MS = 5_000;

/**
 * Runs the work of an invocation. A call of AWS that is not answered fails some seconds before the function's end, and a
 * denied call of a new role is not repeated beyond it.
 */
export function runInvocation<Result>(
  clock: Pick<Clock, "now">,
  context: LambdaContext | undefined,
  work: () => Promise<Result>,
  { afterCallsMs = AFTER_CALLS_MS, afterDenialsMs = afterCallsMs }: KeptTime = {},
): Promise<Result> {
  const leftMs = context?.getRemainingTimeInMillis?.();
  if (leftMs === undefined) return work();
  const endsAt = clock.now() + leftMs;
  const before = (keptMs: number) => endsAt - Math.min(keptMs, leftMs / 4);
  return runTimed({ deadlineAt: before(afterCallsMs), denialsUntil: before(afterDenialsMs) }, work).result;
}
