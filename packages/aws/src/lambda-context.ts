import type { Clock } from "@stackyard/core";
import { runTimed } from "./invocation.ts";

/** The part of a Lambda invocation's context that functions use. A manual test call may lack it. */
export interface LambdaContext {
  readonly awsRequestId?: string;
  readonly functionName?: string;
  getRemainingTimeInMillis?(): number;
}

/** Left for what follows a call without an answer: a record, a result, a line of the log. */
const AFTER_CALLS_MS = 5_000;

/**
 * Runs the work of an invocation. A call of AWS that is not answered fails some seconds before the function's end, and a
 * denied call of a new role is not repeated beyond it.
 */
export function runInvocation<Result>(
  clock: Pick<Clock, "now">,
  context: LambdaContext | undefined,
  work: () => Promise<Result>,
): Promise<Result> {
  const leftMs = context?.getRemainingTimeInMillis?.();
  if (leftMs === undefined) return work();
  return runTimed({ deadlineAt: clock.now() + leftMs - Math.min(AFTER_CALLS_MS, leftMs / 4) }, work).result;
}
