import type { Stack } from "../stack.ts";
import type { Decision } from "./decision.ts";
import { closeRun } from "./open-runs.ts";
import { spendTimer } from "./timers.ts";

/**
 * The stack after a decision on it; undefined when there is none. An event that was not applied may have ended a run all
 * the same, and a timer that was refused has fired.
 */
export function followDecision(stack: Stack | undefined, decision: Decision): Stack | undefined {
  if (decision.kind === "applied") return decision.removed ? undefined : decision.stack;
  if (stack === undefined) return undefined;
  const closed = decision.closes === undefined ? stack : closeRun(stack, decision.closes);
  return decision.kind === "rejected" && decision.spends !== undefined ? spendTimer(closed, decision.spends) : closed;
}
