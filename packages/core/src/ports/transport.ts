import type { TaskMessage } from "../machine/task-message.ts";
import type { LoadedStack, QueuedEvent } from "./stack-store.ts";

/** One event as a transport hands it over. */
export interface EventDelivery {
  readonly event: QueuedEvent;
  /** A receipt of the store's own queue: the commit that handles the event acknowledges it. */
  readonly storeReceipt?: string;
  /** See `DueItem`. */
  readonly loaded?: LoadedStack;
  /** From 1. */
  readonly deliveries: number;
}

/** What became of a delivery. `retry`: an infrastructure failure; the transport delivers it again, later. */
export type DeliveryOutcome =
  | { readonly kind: "done" }
  | {
      readonly kind: "retry";
      readonly reason: string;
      /** The stack refuses the event for the present; those behind it were worked. */
      readonly refused?: true;
    };

/** One task message as a transport hands it over. */
export interface TaskDelivery {
  readonly attemptId: string;
  readonly message: TaskMessage;
  readonly deliveries: number;
}

/** A running consumer. */
export interface Subscription {
  /** Takes nothing new, and resolves when what is under way has ended. */
  stop(): Promise<void>;
}

/** How much a consumer takes at once. */
export interface ConsumeOptions {
  /** Deliveries handed to one call of the handler. */
  readonly batchSize: number;
  /** Calls of the handler at the same time. */
  readonly concurrency: number;
}

/** What a medium can do; who sends and who decides looks here first. */
export interface TransportCapabilities {
  /** The longest delay of a message; 0: none. Longer ones are due work. */
  readonly maxDelayMs: number;
  /**
   * True when every runner that reads the task messages has the store and claims the attempt before it works on it:
   * cancels and fencing hold. False: a runner may work by message alone.
   */
  readonly everyRunnerClaims: boolean;
  /**
   * True when events of one stack are delivered in the order in which they were published, one that failed before those
   * behind it. False: in about that order, and what refuses an event for the present may see a later one first.
   */
  readonly keepsOrder: boolean;
}

/** How events and task messages travel. Acknowledgement is per message. */
export interface Transport {
  readonly capabilities: TransportCapabilities;
  publish(events: readonly QueuedEvent[]): Promise<void>;
  /**
   * Sends what the outbox holds for other media, to be delivered after the delay (default 0, at most `maxDelayMs`); the
   * store's own transport has nothing to do.
   */
  sendTasks(messages: readonly TaskMessage[], options?: { readonly delayMs?: number }): Promise<void>;
  /**
   * Outcomes in the order of the deliveries. Events of one stack are never in two calls of this consumer at the same time;
   * where the medium keeps the order, of no consumer.
   */
  consumeEvents(
    handler: (deliveries: readonly EventDelivery[]) => Promise<readonly DeliveryOutcome[]>,
    options: ConsumeOptions,
  ): Subscription;
  consumeTasks(handler: (delivery: TaskDelivery) => Promise<DeliveryOutcome>, options: ConsumeOptions): Subscription;
}
