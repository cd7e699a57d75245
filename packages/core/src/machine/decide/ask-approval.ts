import { type ApprovalTerms, toApprovalTerms } from "../approval.ts";
import { attemptIdOf } from "../attempt-id.ts";
import { SYSTEM_EVENTS } from "../event-message.ts";
import { defined } from "../json.ts";
import type { Approval, Stack, StackTimer, TaskState } from "../stack.ts";
import { isLimitReached } from "../watched-time.ts";
import { toApprovedDigest } from "./approved-digest.ts";
import { isSameSender, listMetadataSenders } from "./metadata-senders.ts";
import { attemptsOf } from "./runs.ts";
import { approvalTimerId } from "./timer-ids.ts";
import { toInstant, withoutRefused } from "./timers.ts";
import type { Work } from "./work.ts";

/** A resolved approval that is ready to be opened. */
export interface PreparedApproval {
  readonly kind: "approval";
  readonly task: string;
  readonly terms: ApprovalTerms;
  readonly timeoutMs: number;
}

interface ResolvedTask {
  readonly task: { readonly name: string };
  readonly definition: Readonly<Record<string, unknown>>;
  readonly timeoutMs: number;
}

interface TermsFault {
  readonly kind: "fault";
  readonly code: "CONFIG_INVALID";
  readonly message: string;
}

/** Reads the approval that a resolved task requires, or returns why it cannot be opened. */
export function prepareApproval({ task, definition, timeoutMs }: ResolvedTask): PreparedApproval | TermsFault {
  const read = toApprovalTerms(definition["config"] ?? {});
  if (read.kind === "fault") return { kind: "fault", code: "CONFIG_INVALID", message: read.reason };
  return { kind: "approval", task: task.name, terms: read.terms, timeoutMs };
}

/** Returns a task that waits for an approval. */
export function toApproving(name: string): TaskState {
  return { name, status: "PENDING", detail: "APPROVING" };
}

/**
 * Opens an approval: no attempt is made, and the stack contains the approval until it is decided, expires or the state
 * is left.
 */
export function askApproval(work: Work, { task, terms, timeoutMs }: PreparedApproval): void {
  const { stack, event } = work;
  const expiresAt = toInstant(event.at + timeoutMs);
  const { askedBy } = stack;
  const changedBy = listMetadataSenders(stack).filter((each) => askedBy === undefined || !isSameSender(each, askedBy));
  putApproval(work, task, {
    ...terms,
    ...defined({ askedBy, changedBy: changedBy.length === 0 ? undefined : changedBy }),
    askedAt: event.at,
    expiresAt,
    given: [],
  });
  armExpiry(work, { task, id: approvalTimerId(stack.entry, task), dueAt: expiresAt });
}

/** Keeps an approval open for as long as the yard was away while it was open. Returns false when its time is over. */
export function prolongApproval(work: Work, task: string, approval: Approval): boolean {
  const { stack, event } = work;
  const { unwatchedMs = 0 } = event;
  const limitAt = approval.expiresAt - (approval.unwatchedMs ?? 0);
  if (isLimitReached(limitAt, { lookedAt: event.at, unwatchedMs })) return false;
  const expiresAt = limitAt + unwatchedMs;
  work.stack = { ...stack, approvals: { ...stack.approvals, [task]: { ...approval, expiresAt, unwatchedMs } } };
  const until = new Date(expiresAt).toISOString();
  work.notes.push(`The yard was away while the approval "${task}" was open, so it stays open until ${until}.`);
  // The event of a timer is applied once.
  armExpiry(work, { task, id: `${approvalTimerId(stack.entry, task)}/${expiresAt}`, dueAt: expiresAt });
  return true;
}

function armExpiry(work: Work, timer: Required<Pick<StackTimer, "task" | "id" | "dueAt">>): void {
  const armed = { event: SYSTEM_EVENTS.taskTimedOut, ...timer };
  work.stack = { ...work.stack, timers: [...work.stack.timers, armed] };
}

/**
 * Replaces the approval under a new id: an approval or rejection always belongs to the version that the person has
 * seen.
 */
export function putApproval(work: Work, task: string, approval: Omit<Approval, "id" | "digest">): void {
  const { stack, machine } = work;
  const { id: stackId, incarnation, entry } = stack;
  const attempt = attemptsOf(stack, task) + 1;
  const id = attemptIdOf({ stackId, incarnation, entry, task, attempt });
  const digest = approval.of === undefined ? undefined : toApprovedDigest(machine, task, approval.of);
  work.stack = {
    ...stack,
    attempts: { ...stack.attempts, [task]: attempt },
    approvals: { ...stack.approvals, [task]: { ...approval, id, ...defined({ digest }) } },
    // The event of the end has the number of the attempt in its id: one that is parked is of the earlier approval.
    timers: stack.timers.map((timer) => (timer.task === task ? withoutRefused(timer) : timer)),
  };
}

/** Returns the open approval of a task; undefined when it has none. */
export function findApproval({ approvals = {} }: Stack, task: string): Approval | undefined {
  return Object.hasOwn(approvals, task) ? approvals[task] : undefined;
}
