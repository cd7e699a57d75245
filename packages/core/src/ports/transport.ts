import type { TaskMessage } from "../machine/task-message.ts";
import type { LoadedStack, QueuedEvent } from "./stack-store.ts";

/** One event as a transport delivers it. */
export interface EventDelivery {
  readonly event: QueuedEvent;
  /** A receipt of the store's own queue: the commit that handles the event acknowledges it. */
  readonly storeReceipt?: string;
  /** See `DueItem`. */
  readonly loaded?: LoadedStack;
  /** From 1. */
  readonly deliveries: number;
}

/** The outcome of a delivery. `retry`: an infrastructure failure; the transport delivers it again later. */
export type DeliveryOutcome =
  | { readonly kind: "done" }
  | {
      readonly kind: "retry";
      readonly reason: string;
      /** Not before this time, in milliseconds. Default: as the transport decides. */
      readonly afterMs?: number;
      /** The stack refuses the event for the present; the events behind it were processed. */
      readonly refused?: true;
      /** This worker cannot run the task: others go first when it is delivered again. */
      readonly left?: true;
    };

/** One task message as a transport delivers it. */
export interface TaskDelivery {
  readonly attemptId: string;
  readonly message: TaskMessage;
  readonly deliveries: number;
}

/** A running consumer. */
export interface Subscription {
  /** Stops receiving, and resolves when the running calls have ended. */
  stop(): Promise<void>;
}

/** The amount that a consumer receives at once. */
export interface ConsumeOptions {
  /** The largest number of deliveries in one call of the handler. */
  readonly batchSize: number;
  /** The largest number of calls of the handler at the same time. */
  readonly concurrency: number;
}

/** The capabilities of a transport. The relay and the engine adapt to them. */
export interface TransportCapabilities {
  /**
   * The longest delay of a message; 0: delays are not supported. The sweep sends messages with a longer delay when they
   * are due.
   */
  readonly maxDelayMs: number;
  /**
   * True when every runner that reads the task messages has the store and claims the attempt before it runs it, so that
   * cancels and fencing work. False: a runner may work by message only.
   */
  readonly everyRunnerClaims: boolean;
  /**
   * True when events of one stack are delivered in the order in which they were published, and a failed event is
   * delivered again before the later ones. False: about in that order, so a stack may receive a later event before a
   * refused one comes again.
   */
  readonly keepsOrder: boolean;
}

/** The transport of events and task messages. Acknowledgement is per message. */
export interface Transport {
  readonly capabilities: TransportCapabilities;
  publish(events: readonly QueuedEvent[]): Promise<void>;
  /**
   * Sends task messages, to be delivered after the delay (default 0, at most `maxDelayMs`). The store's own transport
   * does nothing, because its consumers read the outbox.
   */
  sendTasks(messages: readonly TaskMessage[], options?: { readonly delayMs?: number }): Promise<void>;
  /**
   * Starts a consumer of events. The handler returns the outcomes in the order of the deliveries. Events of one stack
   * are never in two calls of this consumer at the same time, and if the transport keeps the order, not in calls of two
   * consumers either.
   */
  consumeEvents(
    handler: (deliveries: readonly EventDelivery[]) => Promise<readonly DeliveryOutcome[]>,
    options: ConsumeOptions,
  ): Subscription;
  consumeTasks(handler: (delivery: TaskDelivery) => Promise<DeliveryOutcome>, options: ConsumeOptions): Subscription;
}
