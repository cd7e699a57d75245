import type { StackDetails } from "@stackyard/sdk";
import { findAddress } from "../../api/stack-facts.ts";
import { JOB_MACHINE } from "../../api/status.ts";

/** What a person most likely does next with a stack: the one primary action of its page. */
export type NextStep = "retry" | "review" | "send" | "log" | "open";

/**
 * Returns the next step: out of a failure, then what a person waits to decide, then to follow what runs, then to open what the
 * stack is for. A degraded stack has left its failure behind: an event leads out. Undefined where a job has not begun.
 */
export function findNextStep(stack: StackDetails): NextStep | undefined {
  const { tasks, approvals = [], degraded, attempts, metadata, machine } = stack;
  if (tasks.some(({ status }) => status === "ERROR")) return "retry";
  if (approvals.length > 0) return "review";
  if (degraded && machine !== JOB_MACHINE) return "send";
  const hasLog = attempts.length > 0;
  if (hasLog && tasks.some(({ status }) => status === "PENDING")) return "log";
  if (findAddress(metadata) !== undefined) return "open";
  if (machine !== JOB_MACHINE) return "send";
  return hasLog ? "log" : undefined;
}
