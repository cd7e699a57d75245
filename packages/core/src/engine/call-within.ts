import type { Clock } from "../ports/clock.ts";
import type { Failed, Step } from "../ports/executor.ts";
import { failed } from "../ports/steps.ts";

/** The failure of work that was interrupted because the invocation that it ran in ends. */
export const INTERRUPTED: Failed = failed({
  code: "TASK_TIMEOUT",
  message:
    "The task was interrupted: the time of its runner was over. Send tasks that take so long to a runner without an end.",
  retryable: true,
});

/**
 * A call's answer, or `TASK_TIMEOUT` when there is none at that instant: the call is then left alone. Undefined: it has all
 * the time that it wants.
 */
export async function callWithin(clock: Clock, overAt: number | undefined, call: Promise<Step>): Promise<Step> {
  if (overAt === undefined) return call;
  const answered = new AbortController();
  const over = clock.sleep(overAt - clock.now(), answered.signal).then(() => INTERRUPTED);
  try {
    return await Promise.race([call, over]);
  } finally {
    answered.abort("answered");
  }
}
