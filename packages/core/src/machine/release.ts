import type { Release } from "./stack.ts";

/** The note that the sender of an event of a release adds to it. Never part of a message. */
export interface ReleaseNote {
  readonly task: string;
  /** The incarnation of the release: its rows are found by it. */
  readonly incarnation: string;
  /** When the release was created, epoch milliseconds. */
  readonly createdAt: number;
  /** The version of the stack that was examined; 0: it did not exist. Missing in a replay and in simulations. */
  readonly expect?: number;
  /** After this instant the event is refused, epoch milliseconds. Missing in a replay and in simulations. */
  readonly expiresAt?: number;
  /** The stack has the values already: the release is noted, and nothing reacts. */
  readonly onlyNotes?: true;
  /** The releases of the keys before the events that this one undoes, null where there were none. */
  readonly restores?: Readonly<Record<string, Release | null>>;
}
