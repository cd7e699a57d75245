import type { Metadata, Release, Stack } from "../../machine/stack.ts";
import { defineService, type ExecutorContext, type Failed, failed, type ServiceKey } from "../../ports/executor.ts";
import type { Change, LoadedStack, Outcome } from "../../ports/stack-store.ts";
import type { StoredStack } from "../../ports/store.ts";
import type { Foreseen } from "../plans/foresee-tasks.ts";
import type { StackMove } from "./find-moves.ts";

/** An event that a release sends to another stack. */
export interface ReleaseEvent {
  readonly stackId: string;
  readonly event: string;
  /** Needed where the event may begin the stack. */
  readonly machine?: string;
  readonly metadata: Metadata;
  /** From 1. The same one is the same event: it is applied once. */
  readonly try: number;
  /** The version of the stack that was examined; 0: it did not exist. Another version refuses the event. */
  readonly expect: number;
  /** After this instant the event is refused, epoch milliseconds. */
  readonly expiresAt: number;
  /** The stack has the values already: see `ReleaseNote`. */
  readonly onlyNotes?: true;
  /** The releases that an event brings back which undoes others: see `ReleaseNote`. */
  readonly restores?: Readonly<Record<string, Release | null>>;
}

/** The result of one event. `sent`: queued now or before; `findOutcome` returns what became of it. */
export type SentRelease =
  | { readonly kind: "sent"; readonly eventId: string }
  | { readonly kind: "refused"; readonly code: string; readonly reason: string };

/** The fate of an event of this task. */
export interface ReleaseOutcome {
  readonly outcome: Outcome;
  readonly code?: string;
  readonly reason?: string;
  readonly at: number;
}

/** Which stacks are selected. */
export interface SelectInput {
  readonly machine: string;
  /** CEL over `stack` and `metadata`, without sensitive values; keys that the machine declares are null without a value. */
  readonly where?: string;
  readonly limit: number;
}

/** Stacks that were selected. */
export interface Selection {
  /** In the order of their ids. */
  readonly stacks: readonly StoredStack[];
  /** The count of stacks that fit, or may fit, and that the machine may not read: its grants do not name them. */
  readonly unseen: number;
}

/** Where a stack is now. */
export interface StackPosition {
  readonly stackId: string;
  readonly incarnation: string;
  readonly state: string;
  readonly entry: number;
  /** Names of the tasks of its state that have not ended. */
  readonly pending: readonly string[];
}

/** Returns where a stack is. */
export function toStackPosition({ id: stackId, incarnation, state, entry, tasks }: Stack): StackPosition {
  const pending = tasks.flatMap(({ name, status }) => (status === "PENDING" ? [name] : []));
  return { stackId, incarnation, state, entry, pending };
}

/** A stack as a machine sees it. */
export interface SeenStack extends LoadedStack {
  /**
   * It exists, and the machine may not read it. For what the machine has no part in, it does not exist; a stack that it
   * has sent to must not count as removed.
   */
  readonly hidden?: true;
}

/** The changes in the yard since a mark. */
export interface StackChanges {
  /** The mark of now, for the next call. Take it before what it is to be compared with is loaded. */
  readonly mark: string;
  /** Ids of stacks. Missing: without a mark, or after too much: any stack may have changed. */
  readonly stacks?: ReadonlySet<string>;
}

/**
 * The yard as an executor's task uses it on other stacks, in the name of its own stack. Where the yard has grants, those
 * of the stack's machine decide: what it may not read does not exist for it, and it sends only where it may send.
 */
export interface YardService {
  /** Returns stacks with their versions, in the order of the ids. */
  load(stackIds: readonly string[]): Promise<readonly SeenStack[]>;
  /** Returns the stacks that fit. Throws `FILTER_TOO_WIDE` for more than `limit`, `USAGE` for the expression. */
  select(input: SelectInput): Promise<Selection>;
  /**
   * Returns where stacks are, those that exist, whatever the machine may read: for what is decided over the whole yard.
   */
  findPositions(stackIds: readonly string[]): Promise<readonly StackPosition[]>;
  /**
   * Returns which stacks of the yard have changed since a mark, so that a task that watches many loads only those. Reads a
   * few pages of the history.
   */
  findChanges(mark?: string): Promise<StackChanges>;
  /** Returns the states that a stack has entered after an instant, oldest first. */
  findMoves(stack: Pick<Stack, "id" | "incarnation">, since: number): Promise<readonly StackMove[]>;
  /** Returns which of these stacks fit `where`, as `select` decides. Throws `USAGE` for the expression. */
  keepFitting(where: string, stacks: readonly Stack[]): Promise<readonly Stack[]>;
  /** Queues events. They are applied or refused, never parked or dead-lettered. */
  send(events: readonly ReleaseEvent[]): Promise<readonly SentRelease[]>;
  /** Returns the id of an event of this task. */
  toEventId(event: Pick<ReleaseEvent, "stackId" | "try">): string;
  /** Returns what became of an event of this task; undefined while it is not decided. */
  findOutcome(event: Pick<ReleaseEvent, "stackId" | "try">): Promise<ReleaseOutcome | undefined>;
  /** Returns the stack of this task. Throws `STACK_UNKNOWN`: it was removed meanwhile. */
  own(): Promise<Stack>;
  /** Returns the change that an event would make to the stack now. Applies nothing. */
  preview(loaded: LoadedStack, event: Omit<ReleaseEvent, "expect" | "expiresAt">): Promise<Change>;
  /** Returns the tasks that a stack would run from now on, as after a change that `preview` has returned. */
  foresee(stack: Stack): Promise<Foreseen>;
  /**
   * Returns the resolved config of another task of this stack's machine, with references instead of sensitive values.
   * Throws `CONFIG_INVALID` when it has no such task, then with `unknownTask` in its details, or its config cannot be resolved.
   */
  config(task: string): Promise<unknown>;
}

/** The key of the service. Workers with a store provide it. */
export const YARD: ServiceKey<YardService> = defineService<YardService>("yard");

/** Returns the yard of an attempt, or the failure of a task whose runner has no store. */
export function requireYard({ service }: Pick<ExecutorContext, "service">): YardService | Failed {
  return (
    service(YARD) ??
    failed({
      code: "YARD_NEEDS_STORE",
      message: "This task acts on other stacks, and its runner has no store. Run it by a worker with the yard's store.",
      retryable: false,
    })
  );
}
