import { toEventKey } from "../../../machine/event-message.ts";
import type { Machine } from "../../../machine/machine.ts";
import type { Stack } from "../../../machine/stack.ts";
import type {
  Change,
  ClaimInput,
  ClaimResult,
  DueItem,
  Grant,
  HistoryEntry,
  QueuedEvent,
  SettleInput,
  SuspendInput,
  TakeDueInput,
} from "../../../ports/stack-store.ts";
import type { Store } from "../../../ports/store.ts";

/** A change that was committed, with the stack as it was before and is now; undefined: none. */
export interface CommittedChange {
  readonly change: Change;
  readonly version: number;
  /** The version before, by the calls so far. */
  readonly versionBefore: number;
  readonly before: Stack | undefined;
  readonly after: Stack | undefined;
}

/** A call of an executor that begins its work. */
export interface StartedCall {
  readonly attemptId: string;
  readonly token: number;
  readonly idempotencyKey: string;
  /** What the executor itself asks to have alone, as claims name it. */
  readonly exclusiveKey?: string;
}

/** What one invariant observes. Each member is called when such a call of the store has happened. */
export interface InvariantChecks {
  onSent?(events: readonly QueuedEvent[]): void;
  /** Dead letters and are in the queue again. */
  onRedriven?(events: readonly QueuedEvent[]): void;
  onCommitted?(committed: CommittedChange, store: Store): void | Promise<void>;
  onTaken?(input: TakeDueInput, items: readonly DueItem[]): void;
  onGivenBack?(receipts: readonly string[]): void;
  onClaimed?(input: ClaimInput, result: ClaimResult): void;
  onRenewed?(grant: Grant, until: number): void;
  onSuspended?(grant: Grant, input: SuspendInput): void;
  /** Without an event where a commit has applied the result. */
  onSettled?(grant: Grant, input: Pick<SettleInput, "outcome" | "now"> & Partial<SettleInput>): void;
  /** Events that the store's own queue has taken. */
  onQueued?(events: readonly QueuedEvent[]): void;
  /** A change has applied results, and the events that it acknowledges have left the queue. */
  onResultsApplied?(change: Change): void;
  onStarted?(call: StartedCall): void;
  /** Events that the queue has let go. */
  onAcknowledged?(events: readonly QueuedEvent[]): void;
  /** When nothing is left to do. */
  onRest?(store: Store): void | Promise<void>;
}

/** What an invariant may look up. */
export interface InvariantContext {
  /** A revision of the plan's machine. */
  findMachine(hash: string): Machine | undefined;
}

/** Something that must hold whatever the processes suffer. */
export interface Invariant {
  readonly name: string;
  /** The promise, as a sentence. */
  readonly promise: string;
  /** Starts watching a run. `report` receives one sentence for each violation. */
  create(report: (sentence: string) => void, context: InvariantContext): InvariantChecks;
}

/** A breach of an invariant. */
export interface Violation {
  readonly invariant: string;
  readonly sentence: string;
}

/** The key of an event of a stack. */
export function keyOfEvent(event: Pick<QueuedEvent, "stackId" | "origin" | "id">): string {
  return keyIn(event.stackId, toEventKey(event));
}

/** The key of the event that a line of the history is about. */
export function keyOfLine({ stackId, eventId: id, internal }: HistoryEntry): string {
  return keyOfEvent({ stackId, id, origin: internal ? "worker" : "external" });
}

/** The key of something that belongs to a stack. */
export function keyIn(stackId: string, id: string): string {
  return `${stackId}\u0000${id}`;
}
