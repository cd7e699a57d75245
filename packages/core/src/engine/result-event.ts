import { SYSTEM_EVENTS } from "../machine/event.ts";
import type { TaskMessage } from "../machine/task-message.ts";
import type { Failed, Step, Succeeded } from "../ports/executor.ts";
import type { QueuedEvent } from "../ports/stack-store.ts";

/** A step that ends an attempt. */
export type FinalStep = Exclude<Step, { kind: "running" }>;

/** How an attempt ended: after a cancel, everything but a success is the cancel's end. */
export function toSettledOutcome(step: FinalStep, cancelling: boolean): "succeeded" | "failed" | "cancelled" {
  if (step.kind === "succeeded") return "succeeded";
  return cancelling ? "cancelled" : "failed";
}

/** The event that tells the engine how an attempt ended; its id is that of the attempt, so it counts once. */
export function toResultEvent(
  message: TaskMessage,
  step: FinalStep,
  options: { readonly cancelling: boolean; readonly now: number },
): QueuedEvent {
  const { id } = message.dispatch;
  return {
    id: `result:${id}`,
    stackId: message.stack.id,
    origin: "worker",
    receivedAt: options.now,
    message: { ...toBody(step, options.cancelling), stackId: message.stack.id, task: message.task, dispatchId: id },
  };
}

function toBody(step: FinalStep, cancelling: boolean): Readonly<Record<string, unknown>> {
  switch (toSettledOutcome(step, cancelling)) {
    case "succeeded":
      return { event: SYSTEM_EVENTS.taskCompleted, outputs: showableOutputs(step as Succeeded) };
    case "cancelled":
      return { event: SYSTEM_EVENTS.taskCancelled };
    case "failed": {
      const { code, message: description, retryable, outputs } = step as Failed;
      return { event: SYSTEM_EVENTS.taskError, description, code, retryable, ...(outputs && { outputs }) };
    }
  }
}

/** Sensitive outputs never enter a queue or the history. */
function showableOutputs({ outputs, sensitive = [] }: Succeeded): Readonly<Record<string, unknown>> {
  if (typeof outputs !== "object" || outputs === null) return {};
  return Object.fromEntries(Object.entries(outputs).filter(([name]) => !sensitive.includes(name)));
}
