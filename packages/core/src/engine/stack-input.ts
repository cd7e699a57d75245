import type { QueuedEvent } from "../ports/stack-store.ts";
import type { EventDelivery } from "../ports/transport.ts";
import type { DueItem } from "../ports/work-queue.ts";

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

/** A due item as the engine works it; none for kinds that others work. */
export function toInputs(item: DueItem): readonly StackInput[] {
  switch (item.kind) {
    case "timer":
      return [{ kind: "timers", stackId: item.stackId }];
    case "parked":
      return [{ kind: "parked", stackId: item.stackId }];
    case "deadline": {
      const { stackId, attemptId, task, why } = item;
      return [{ kind: "deadline", stackId, attemptId, task, why }];
    }
    default:
      return [];
  }
}

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
