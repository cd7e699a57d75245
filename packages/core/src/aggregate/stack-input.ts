import type { StackEvent } from "../machine/event-message.ts";
import type { Machine } from "../machine/machine.ts";
import type { HeldBack, Stack } from "../machine/stack.ts";
import type { AppliedResult, CorrectedAttempt, QueuedEvent } from "../ports/stack-store.ts";
import type { EventDelivery } from "../ports/transport.ts";

/** The machine on which an event must be decided. */
export interface WantedMachine {
  readonly name: string;
  readonly stack: Stack | undefined;
  readonly event: StackEvent;
}

/** The machine that an event is decided on, or why it cannot be decided. */
export type FoundMachine =
  | {
      readonly kind: "found";
      readonly machine: Machine;
      readonly notes: readonly string[];
      /** Instead of `EVENT_UNDECLARED`: the stack is on an older revision, and the newest may declare the event. */
      readonly undeclared?: {
        readonly code: "EVENT_NOT_HANDLED" | "EVENT_UNDECLARED" | "MACHINE_UNKNOWN" | "MACHINE_INVALID";
        readonly reason: string;
      };
      /** Why the stack does not move to the newest revision. */
      readonly heldBack?: HeldBack;
    }
  | MissingMachine;

/** The reason why an event has no machine. */
export interface MissingMachine {
  readonly kind: "missing";
  readonly code: "MACHINE_UNKNOWN" | "MACHINE_INVALID";
  readonly reason: string;
}

/** Something that makes the engine look at a stack. */
export type StackInput =
  | { readonly kind: "delivery"; readonly stackId: string; readonly delivery: EventDelivery }
  /** An attempt has ended in this process: its result is applied by the commit that ends it. */
  | { readonly kind: "result"; readonly stackId: string; readonly event: QueuedEvent; readonly result: AppliedResult }
  /** Timers of the stack are due. `timerId`: this one fires, and no other, whenever it is due. */
  | { readonly kind: "timers"; readonly stackId: string; readonly timerId?: string }
  /** Parked events are due for another try. */
  | { readonly kind: "parked"; readonly stackId: string }
  /** The stack's machine has another revision: everything that the last one refused is decided again. */
  | { readonly kind: "revised"; readonly stackId: string }
  /** Attempts of the stack were corrected that a clock that was ahead has begun. */
  | { readonly kind: "corrected"; readonly stackId: string; readonly attempts: readonly CorrectedAttempt[] }
  /** An attempt's time is over, or the time of its cancel. */
  | {
      readonly kind: "deadline";
      readonly stackId: string;
      readonly attemptId: string;
      readonly task: string;
      readonly why: "deadline" | "cancel";
    };

/** Returns the event of a deadline that has passed. */
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
