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
  addTask(row: TaskRow, dueAt: number): void;
  acknowledge(receipt: string): void;
  /** Drops every message of an attempt. */
  dropTasks(attemptId: string): void;
}

/** Two queues, and what must be found in them by id. */
export function createMemoryRows(): MemoryRows {
  const events = createMemoryQueue<QueuedEvent>("event");
  const tasks = createMemoryQueue<TaskRow>("task");
  const eventIds = new Set<string>();
  const receiptsOf = new Map<string, readonly string[]>();

  function removeTask(receipt: string): void {
    const row = tasks.remove(receipt);
    if (row === undefined) return;
    const left = (receiptsOf.get(row.attemptId) ?? []).filter((other) => other !== receipt);
    if (left.length === 0) receiptsOf.delete(row.attemptId);
    else receiptsOf.set(row.attemptId, left);
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
      const receipt = tasks.add(row, { dueAt });
      receiptsOf.set(row.attemptId, [...(receiptsOf.get(row.attemptId) ?? []), receipt]);
    },
    acknowledge(receipt) {
      const event = events.remove(receipt);
      if (event !== undefined) eventIds.delete(toKey(event));
      else removeTask(receipt);
    },
    dropTasks(attemptId) {
      for (const receipt of receiptsOf.get(attemptId) ?? []) removeTask(receipt);
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
