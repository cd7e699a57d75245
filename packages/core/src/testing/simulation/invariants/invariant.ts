import { toEventKey } from "../../../machine/event-message.ts";
import type { Machine } from "../../../machine/machine.ts";
import type { Stack } from "../../../machine/stack.ts";
import type {
  Change,
  ClaimInput,
  ClaimResult,
  Grant,
  HistoryEntry,
  QueuedEvent,
  SettleInput,
  SuspendInput,
} from "../../../ports/stack-store.ts";
import type { Store } from "../../../ports/store.ts";
import type { DueItem, TakeDueInput } from "../../../ports/work-queue.ts";

/** A change that was committed, with the stack as it was before and is now; undefined when it does not exist. */
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
  /** True: its cancel is called, or a poll after it. Default: false. */
  readonly cancelling?: boolean;
  /** The executor's own exclusive key, in the form of claims. */
  readonly exclusiveKey?: string;
}

/** The observations of one invariant. Each member is called after the store's call of that kind. */
export interface InvariantChecks {
  onSent?(events: readonly QueuedEvent[]): void;
  /** Called when dead letters are in the queue again. */
  onRedriven?(events: readonly QueuedEvent[]): void;
  onCommitted?(committed: CommittedChange, store: Store): void | Promise<void>;
  onTaken?(input: TakeDueInput, items: readonly DueItem[]): void;
  onGivenBack?(receipts: readonly string[]): void;
  onClaimed?(input: ClaimInput, result: ClaimResult): void;
  onRenewed?(grant: Grant, until: number): void;
  onSuspended?(grant: Grant, input: SuspendInput): void;
  /** Called when an attempt was settled; without an event when a commit has applied the result. */
  onSettled?(grant: Grant, input: Pick<SettleInput, "outcome" | "now"> & Partial<SettleInput>): void;
  /** Called when events are in the store's own queue. */
  onQueued?(events: readonly QueuedEvent[]): void;
  /** Called when a change has applied results, and its acknowledged events have left the queue. */
  onResultsApplied?(change: Change): void;
  onStarted?(call: StartedCall): void;
  /** Called when events have left the queue. */
  onAcknowledged?(events: readonly QueuedEvent[]): void;
  /** Called when no work is left. */
  onRest?(store: Store): void | Promise<void>;
}

/** The context of an invariant. */
export interface InvariantContext {
  /** Finds a revision of the plan's machine. */
  findMachine(hash: string): Machine | undefined;
}

/** A property that must always be true, whatever happens to the processes. */
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

/** Returns the key of an event of a stack. */
export function keyOfEvent(event: Pick<QueuedEvent, "stackId" | "origin" | "id">): string {
  return keyIn(event.stackId, toEventKey(event));
}

/** Returns the key of the event of a history line. */
export function keyOfLine({ stackId, eventId: id, internal }: HistoryEntry): string {
  return keyOfEvent({ stackId, id, origin: internal ? "worker" : "external" });
}

/** Returns the key of an item that belongs to a stack. */
export function keyIn(stackId: string, id: string): string {
  return `${stackId}\u0000${id}`;
}
