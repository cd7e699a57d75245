import type { StackSummary } from "@stackyard/sdk";
import type { Status } from "./mark.tsx";

const DETAILS: Readonly<Record<string, Status>> = {
  RUNNING: "running",
  RETRYING: "retrying",
  QUEUED: "queued",
  WAITING: "waiting",
};

/** Returns the worst status of a stack: failed, stalled, overdue, approval, then what its tasks do; quiet when nothing runs. */
export function statusOfStack(stack: Pick<StackSummary, "failed" | "stalled" | "overdue" | "tasks">): Status {
  const { failed, stalled, overdue, tasks } = stack;
  if (failed || tasks.some(({ status }) => status === "ERROR")) return "failed";
  if (stalled !== undefined) return "stalled";
  if (overdue) return "overdue";
  const pending = tasks.filter(({ status }) => status === "PENDING");
  if (pending.some(({ detail }) => detail === "APPROVING")) return "approval";
  const first = Object.keys(DETAILS).find((detail) => pending.some((task) => task.detail === detail));
  if (first !== undefined) return DETAILS[first] ?? "running";
  return pending.length > 0 ? "running" : "quiet";
}
