import type { QueuedEvent } from "../ports/stack-store.ts";
import type { EventDelivery } from "../ports/transport.ts";

/** Something that makes the engine look at a stack. */
export type StackInput =
  | { readonly kind: "delivery"; readonly stackId: string; readonly delivery: EventDelivery }
  /** Timers of the stack are due. */
  | { readonly kind: "timers"; readonly stackId: string }
  /** Parked events are due for another try. */
  | { readonly kind: "parked"; readonly stackId: string }
  /** The stack's machine has another revision: everything that the last one refused is decided again. */
  | { readonly kind: "revised"; readonly stackId: string }
  /** An attempt's time is over, or the time of its cancel. */
  | {
      readonly kind: "deadline";
      readonly stackId: string;
      readonly attemptId: string;
      readonly task: string;
      readonly why: "deadline" | "cancel";
    };

/** The event that a passed deadline makes. */
export function toDeadlineEvent(input: Extract<StackInput, { kind: "deadline" }>, now: number): QueuedEvent {
  const { stackId, attemptId, task, why } = input;
  const event = why === "deadline" ? "TASK_TIMED_OUT" : "TASK_CANCELLED";
  return {
    id: `${why}:${attemptId}`,
    stackId,
    origin: "worker",
    receivedAt: now,
    message: { event, stackId, task: { name: task }, dispatchId: attemptId },
  };
}
