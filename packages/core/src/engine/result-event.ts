import { SYSTEM_EVENTS } from "../machine/message/event.ts";
import type { TaskMessage } from "../machine/message/task-message.ts";
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
    message: {
      ...toBody(message, step, options.cancelling),
      stackId: message.stack.id,
      task: message.task,
      dispatchId: id,
    },
  };
}

function toBody(message: TaskMessage, step: FinalStep, cancelling: boolean): Readonly<Record<string, unknown>> {
  switch (toSettledOutcome(step, cancelling)) {
    case "succeeded":
      return { event: SYSTEM_EVENTS.taskCompleted, ...toOutputs(message, step as Succeeded) };
    case "cancelled":
      return { event: SYSTEM_EVENTS.taskCancelled };
    case "failed": {
      const { code, message: description, retryable, outputs } = step as Failed;
      return { event: SYSTEM_EVENTS.taskError, description, code, retryable, ...(outputs && { outputs }) };
    }
  }
}

/**
 * Stacks of version 2 may keep outputs, sensitive ones among the secrets of their record: those go there by way of the
 * queue, and never into the history. Version 1 keeps none, so its queue has no sensitive ones.
 */
function toOutputs({ dispatch }: TaskMessage, { outputs, sensitive = [] }: Succeeded): Partial<Result> {
  if (typeof outputs !== "object" || outputs === null) return { outputs: {} };
  const given = Object.entries(outputs);
  const hidden = sensitive.filter((name) => Object.hasOwn(outputs, name));
  if (dispatch.version !== 2) return { outputs: Object.fromEntries(given.filter(([name]) => !hidden.includes(name))) };
  return { outputs: Object.fromEntries(given), ...(hidden.length === 0 ? {} : { sensitiveOutputs: hidden }) };
}

interface Result {
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly sensitiveOutputs: readonly string[];
}
