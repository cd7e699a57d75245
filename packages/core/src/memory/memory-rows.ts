import { toEventKey } from "../machine/message/event.ts";
import type { TaskMessage } from "../machine/message/task-message.ts";
import type { QueuedEvent } from "../ports/stack-store.ts";
import { createMemoryQueue, type MemoryQueue, type RowPlace } from "./memory-queue.ts";

/** A task message that waits for a worker. */
export interface TaskRow {
  readonly attemptId: string;
  readonly message: TaskMessage;
}

/** The queued events and task messages: the outbox. */
export interface MemoryRows {
  readonly events: MemoryQueue<QueuedEvent>;
  readonly tasks: MemoryQueue<TaskRow>;
  /** False when the event is queued already. */
  addEvent(event: QueuedEvent, notBefore: number | undefined): boolean;
  /** An attempt has at most one message in the queue. */
  addTask(row: TaskRow, dueAt: number): void;
  acknowledge(receipt: string): void;
  /** True when events of the stack are queued besides those with these receipts. */
  hasEvents(stackId: string, except: readonly string[]): boolean;
  /** Removes the message of an attempt. */
  dropTasks(attemptId: string): void;
}

/** Two queues, and what must be found in them by id. */
export function createMemoryRows(): MemoryRows {
  const events = createMemoryQueue<QueuedEvent>("event");
  const tasks = createMemoryQueue<TaskRow>("task");
  const eventIds = new Set<string>();
  const receiptOf = new Map<string, string>();

  function removeTask(receipt: string): void {
    const row = tasks.remove(receipt);
    if (row !== undefined) receiptOf.delete(row.attemptId);
  }

  return {
    events,
    tasks,
    addEvent(event, notBefore) {
      const key = toKey(event);
      if (eventIds.has(key)) return false;
      eventIds.add(key);
      events.add(event, toPlace(event, notBefore));
      return true;
    },
    addTask(row, dueAt) {
      if (!receiptOf.has(row.attemptId)) receiptOf.set(row.attemptId, tasks.add(row, { dueAt }));
    },
    acknowledge(receipt) {
      const event = events.remove(receipt);
      if (event !== undefined) eventIds.delete(toKey(event));
      else removeTask(receipt);
    },
    hasEvents: (stackId, except) => events.hasOthers(stackId, new Set(except)),
    dropTasks(attemptId) {
      removeTask(receiptOf.get(attemptId) ?? "");
    },
  };
}

function toKey(event: QueuedEvent): string {
  return `${event.stackId}\u0000${toEventKey(event)}`;
}

function toPlace({ stackId, receivedAt }: QueuedEvent, notBefore: number | undefined): RowPlace {
  if (notBefore === undefined) return { lane: stackId, dueAt: receivedAt };
  return { lane: stackId, dueAt: notBefore, visibleAt: notBefore };
}
