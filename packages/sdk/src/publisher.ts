import type { Outcome } from "./history-entry.ts";
import type { CallOptions } from "./http-client.ts";
import type { MetadataValue } from "./stack.ts";

/** Anything that knows its events: what `defineMachine` returns for a document of version 1 or 2. */
export interface MachineEvents {
  readonly document: { readonly events?: readonly string[] | Readonly<Record<string, unknown>> | undefined };
}

/** An event to publish. */
export interface NewEvent<Event extends string = string> {
  readonly stackId: string;
  readonly event: Event;
  /** The same id is applied once. Made when it is left out, so that a repeat is safe in any case. */
  readonly id?: string;
  /** Needed by the event that creates the stack. */
  readonly machine?: string;
  readonly metadata?: Readonly<Record<string, MetadataValue>>;
  /** The stack's id once more: needed where the event leads from a protected state into a terminal one. */
  readonly confirm?: string;
}

/** An event that the yard has. */
export interface PublishedEvent {
  readonly eventId: string;
  readonly stackId: string;
  /** The stack knew the id, so nothing was sent again. Absent where it did not, or where nobody can say at once. */
  readonly duplicate?: Duplicate;
}

/** What an id was used for before. */
export interface Duplicate {
  readonly code: "DUPLICATE";
  readonly reason: string;
  /** Absent: the earlier event is not decided yet, or its history is pruned. */
  readonly usedFor?: { readonly event: string; readonly outcome: Outcome; readonly at: string };
}

/** What became of one of many events. An invalid one stops no other. */
export type PublishResult =
  | { readonly kind: "accepted"; readonly eventId: string; readonly stackId: string }
  | ({ readonly kind: "duplicate"; readonly eventId: string; readonly stackId: string } & Duplicate)
  | { readonly kind: "invalid"; readonly code: string; readonly reason: string };

/** The way of events into a yard, whatever carries them. */
export interface Publisher<Event extends string = string> {
  /**
   * Throws `EVENT_INVALID` when the message is not an event, and `DUPLICATE` when its id was used for another event of the
   * stack. A repeat of the same event resolves with `duplicate`.
   */
  publish(event: NewEvent<Event>, options?: CallOptions): Promise<PublishedEvent>;
  /** Results in the order of the events. */
  publishMany(events: readonly NewEvent<Event>[], options?: CallOptions): Promise<readonly PublishResult[]>;
}
