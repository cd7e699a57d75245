import type { Applied, Dispatch, Ignored, Rejected } from "./decision.ts";
import type { Metadata, Stack, TaskState } from "./stack.ts";
import type { TaskMessage } from "./task-message.ts";

/** What one step of a simulation did. */
export interface SimulationLine {
  /** From 1. */
  readonly step: number;
  readonly outcome: "applied" | "refused" | "ignored" | "removed";
  readonly code?: string;
  readonly reason?: string;
  /** The stack after the step; null when there is none. */
  readonly stack: SimulatedStack | null;
  /** Names of the tasks that were sent, in order. */
  readonly dispatched: readonly string[];
  readonly messages: readonly TaskMessage[];
}

/** A stack as a simulation shows it. */
export interface SimulatedStack {
  readonly id: string;
  readonly machine: string;
  readonly state: string;
  readonly previousState: string | null;
  readonly metadata: Metadata;
  readonly tasks: readonly TaskState[];
}

/** The line of a step that changed a stack. */
export function toAppliedLine(step: number, { stack, removed, dispatches }: Applied): SimulationLine {
  return {
    step,
    outcome: removed ? "removed" : "applied",
    stack: removed ? null : toSimulatedStack(stack),
    dispatched: dispatches.map(({ task }: Dispatch) => task),
    messages: dispatches.map(({ message }) => message),
  };
}

/** The line of a step that changed nothing. */
export function toUnchangedLine(
  step: number,
  stack: Stack | undefined,
  { kind, code, reason }: Pick<Rejected, "kind" | "code" | "reason"> | Pick<Ignored, "kind" | "code" | "reason">,
): SimulationLine {
  return {
    step,
    outcome: kind === "ignored" ? "ignored" : "refused",
    code,
    reason,
    stack: stack === undefined ? null : toSimulatedStack(stack),
    dispatched: [],
    messages: [],
  };
}

function toSimulatedStack({ id, machine, state, previousState, metadata, tasks }: Stack): SimulatedStack {
  return { id, machine, state, previousState, metadata, tasks };
}
