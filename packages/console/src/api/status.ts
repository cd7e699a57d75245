import type { Attempt, HistoryEntry, StackSummary, StackTask } from "@stackyard/sdk";
import type { Status } from "../design/mark.tsx";

type Task = Pick<StackTask, "status" | "detail">;

/** The source of a stack's status; details also have approvals and parked events. */
export type StatusSource = Pick<
  StackSummary,
  "mainCondition" | "failed" | "degraded" | "stalled" | "overdue" | "lastFailure"
> & {
  readonly tasks: readonly Task[];
  readonly parked?: readonly unknown[] | undefined;
  readonly machine?: string;
  readonly state?: string;
};

/** The machine of which every job is a stack. */
export const JOB_MACHINE = "stackyard.run";

const DETAILS: ReadonlyMap<string, Status> = new Map<string, Status>([
  ["WAITING", "waiting"],
  ["QUEUED", "queued"],
  ["RETRYING", "retrying"],
  ["APPROVING", "approval"],
  ["SKIPPED", "skipped"],
  ["CANCELLED", "cancelled"],
]);

/** Returns the status of a task, or the neutral one of its plain status where the detail is unknown here. */
export function toTaskStatus({ status, detail = "" }: Task): Status {
  const known = DETAILS.get(detail);
  if (known !== undefined) return known;
  return status === "PENDING" ? "running" : status === "SATISFIED" ? "succeeded" : "failed";
}

/** Returns the main condition of a stack, and of a degraded one whether a person has acknowledged its failure. */
export function toStackStatus(stack: StatusSource): Status {
  const condition = toMainCondition(stack);
  return condition === "degraded" && stack.lastFailure?.acknowledged !== undefined ? "acknowledged" : condition;
}

/** As core decides it. Where it is not known, such as in a file of an incident: the same from the fields that there are. */
function toMainCondition(stack: StatusSource): Status {
  if (stack.mainCondition !== undefined) return stack.mainCondition;
  const { failed, degraded, stalled, overdue, tasks, parked = [], machine, state } = stack;
  const statuses = new Set(tasks.map(toTaskStatus));
  // A job leaves its task behind in the state before.
  const isEndedJob = machine === JOB_MACHINE && state === "FAILED";
  if (isEndedJob && stack.lastFailure?.code === "TASK_CANCELLED") return "cancelled";
  if (failed || isEndedJob || statuses.has("failed")) return "failed";
  if (degraded) return "degraded";
  if (overdue) return "overdue";
  if (stalled !== undefined) return "stalled";
  if (statuses.has("approval")) return "approval";
  if (tasks.some(({ status }) => status === "PENDING")) return "busy";
  return parked.length > 0 ? "waiting" : "healthy";
}

const ATTEMPTS: ReadonlyMap<string, Status> = new Map<string, Status>([
  ["unclaimed", "queued"],
  ["queued", "queued"],
  ["running", "running"],
  ["suspended", "running"],
  ["succeeded", "succeeded"],
  ["failed", "failed"],
  ["cancelled", "cancelled"],
]);

/** Returns the status of an attempt; one that ended without a result is `skipped`. */
export function toAttemptStatus({ status, outcome }: Pick<Attempt, "status" | "outcome">): Status {
  return ATTEMPTS.get(outcome ?? status) ?? "skipped";
}

const OUTCOMES: ReadonlyMap<string, Status> = new Map<string, Status>([
  ["applied", "succeeded"],
  ["removed", "removed"],
  ["parked", "parked"],
  ["refused", "rejected"],
  ["dead-lettered", "dead-letter"],
  ["ignored", "skipped"],
]);

/** Returns the status of what became of an event. */
export function toOutcomeStatus(outcome: HistoryEntry["outcome"]): Status {
  return OUTCOMES.get(outcome) ?? "skipped";
}
