import type { DecidedEvent } from "../aggregate/apply-options.ts";
import type { PlannedEvent } from "../aggregate/plan-inputs.ts";
import { findApproval } from "../machine/decide/ask-approval.ts";
import type { Decision, Rejected } from "../machine/decide/decision.ts";
import { toWireTasks } from "../machine/decide/start-tasks.ts";
import { isOverdue } from "../machine/decide/timers.ts";
import { defined } from "../machine/json.ts";
import { maskMetadata, maskSecrets, toShownMetadata } from "../machine/secrets.ts";
import type { MetadataValue, Stack } from "../machine/stack.ts";
import type { TaskMessage, WireTask } from "../machine/task-message.ts";
import type { SimulatedYard } from "./simulated-yard.ts";

/** A timer that has fired while the clock was advanced. */
export interface FiredTimer {
  /** ISO 8601. */
  readonly at: string;
  readonly stackId: string;
  /** `deadline` and `cancel` of an attempt, `retry` of a task, `approval`: its end, `timeout` of the state, `after`. */
  readonly timer: "deadline" | "cancel" | "retry" | "approval" | "timeout" | "after";
  readonly event: string;
  readonly task?: string;
  readonly outcome: "applied" | "refused" | "ignored" | "removed";
  readonly code?: string;
}

/** The result of one step of a simulation. Sensitive values are printed as `***`. */
export interface SimulationLine {
  /** From 1. */
  readonly step: number;
  readonly outcome: "applied" | "refused" | "ignored" | "removed";
  readonly code?: string;
  readonly reason?: string;
  /** The step's stack after it; null when it does not exist. */
  readonly stack: SimulatedStack | null;
  /** Names of the tasks of that stack whose messages this step has sent, in order. */
  readonly dispatched: readonly string[];
  readonly messages: readonly TaskMessage[];
  /** Names of its tasks that were asked to stop. */
  readonly cancelled: readonly string[];
  /** Other stacks that the step has changed. */
  readonly others: readonly OtherStack[];
  /** Parked events that this step has settled: applied in their turn, or given up because they waited too long. */
  readonly retried?: readonly RetriedEvent[];
  /** Events that reactions have raised in this step, in order. */
  readonly raised?: readonly RetriedEvent[];
  /** The timers that `advance` has made due, in order. */
  readonly fired?: readonly FiredTimer[];
  /**
   * Notes. Of `upgrade`: which timers stop or start, and what else the move does besides the stack's own events. Of all steps:
   * which tasks would wait in a yard for an exclusive key, which a simulation does not keep.
   */
  readonly notes?: readonly string[];
  /** The events that follow at once from a dry run of `upgrade`, such as timers whose instant has passed. */
  readonly events?: readonly PlannedEvent[];
  /**
   * Differences that a dry run of `upgrade` found: where the stack's events would have done something else. Timers that only the new
   * revision has are not fired, other than by a dry run in a yard.
   */
  readonly differences?: readonly StepDifference[];
}

/** A stack as a simulation shows it. */
export interface SimulatedStack {
  readonly id: string;
  readonly machine: string;
  readonly state: string;
  readonly previousState: string | null;
  readonly metadata: Readonly<Record<string, MetadataValue>>;
  readonly tasks: readonly WireTask[];
  /** Open approvals, in the order of the tasks. Missing without one. */
  readonly approvals?: readonly SimulatedApproval[];
  /** These three in machines of version 2. */
  readonly failed?: true;
  readonly overdue?: true;
  readonly stalled?: true;
}

/** An open approval, with the names of those who have approved. */
export interface SimulatedApproval {
  readonly task: string;
  readonly from: readonly string[];
  readonly count: number;
  readonly of?: string;
  readonly given: readonly string[];
}

/** Another stack that a step has changed. */
export interface OtherStack {
  readonly id: string;
  /** Null when it was removed. */
  readonly stack: SimulatedStack | null;
  readonly dispatched: readonly string[];
}

/** An event that was decided in a step without being its own: a parked one again, or a raised one. */
export interface RetriedEvent {
  readonly stackId: string;
  readonly id: string;
  readonly event: string;
  readonly outcome: SimulationLine["outcome"];
  readonly code?: string;
}

/** An event of a stack's incarnation that does something else on another revision. */
export interface StepDifference {
  /** The step in which it came. */
  readonly step: number;
  readonly event: string;
  readonly before: ReplayedEvent;
  readonly after: ReplayedEvent;
}

/** The effect of an event, as far as two revisions are compared. */
export interface ReplayedEvent {
  readonly outcome: SimulationLine["outcome"];
  readonly code?: string;
  readonly state: string | null;
  readonly dispatched: readonly string[];
}

/** Returns the outcome of a decision in the form of a line. */
export function toOutcome(decision: Decision): Pick<SimulationLine, "outcome" | "code" | "reason"> {
  if (decision.kind === "applied") return { outcome: decision.removed ? "removed" : "applied" };
  const { code, reason } = decision;
  return { outcome: decision.kind === "ignored" ? "ignored" : "refused", code, reason };
}

/** Returns a parked event that its step has settled, or a raised one, in the form of a line. */
export function toRetried({ event: { stackId, id, name }, decision }: DecidedEvent): RetriedEvent {
  const { outcome, code } = toOutcome(decision);
  return { stackId, id, event: name, outcome, ...defined({ code }) };
}

/** Returns a refusal of the step itself. */
export function toRefusal({ code, reason }: Pick<Rejected, "code" | "reason">) {
  return { outcome: "refused", code, reason } as const;
}

/** Returns the parts of a line about the yard: the subject and the other stacks that were touched. */
export function toTouchedParts(
  { stacks, touched, revisions }: Pick<SimulatedYard, "stacks" | "touched" | "revisions">,
  subject: string | undefined,
): Pick<SimulationLine, "stack" | "dispatched" | "messages" | "cancelled" | "others"> {
  const touch = subject === undefined ? undefined : touched.get(subject);
  const show = (id: string): SimulatedStack | null => {
    const stack = stacks.get(id);
    return stack === undefined ? null : toSimulatedStack(stack, revisions.get(stack.machineHash)?.version ?? 1);
  };
  const others = [...touched].filter(([id]) => id !== subject);
  return {
    stack: subject === undefined ? null : show(subject),
    dispatched: touch?.dispatched ?? [],
    messages: (touch?.messages ?? []).map(maskMessage),
    cancelled: touch?.cancelled ?? [],
    others: others.map(([id, { dispatched }]) => ({ id, stack: show(id), dispatched })),
  };
}

function maskMessage(message: TaskMessage): TaskMessage {
  const { task, stack } = message;
  return {
    ...message,
    // The result is still a map; only its values may be masked.
    task: { ...(maskSecrets(task) as TaskMessage["task"]), name: task.name },
    stack: { ...stack, metadata: maskMetadata(stack.metadata) },
  };
}

function toSimulatedStack(stack: Stack, version: 1 | 2): SimulatedStack {
  const { id, machine, state, previousState, tasks } = stack;
  const metadata = maskMetadata(toShownMetadata(stack));
  return {
    id,
    machine,
    state,
    previousState,
    metadata,
    tasks: toWireTasks(tasks),
    ...(stack.approvals && { approvals: tasks.flatMap(({ name }) => toSimulatedApproval(stack, name)) }),
    ...(version === 2 && toMarks(stack)),
  };
}

function toSimulatedApproval(stack: Stack, task: string): readonly SimulatedApproval[] {
  const approval = findApproval(stack, task);
  if (approval === undefined) return [];
  const { from, count, of, given } = approval;
  return [{ task, from, count, ...defined({ of }), given: given.map(({ by }) => by.name) }];
}

function toMarks(stack: Stack): Pick<SimulatedStack, "failed" | "overdue" | "stalled"> {
  const { failed, stalled } = stack;
  return { ...(failed && { failed }), ...(isOverdue(stack) && { overdue: true }), ...(stalled && { stalled: true }) };
}
