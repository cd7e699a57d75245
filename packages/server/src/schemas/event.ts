import { defined } from "@stackyard/core";
import { type DeadLetter as DeadLetters, type StoredHistoryEntry, toPrinted } from "@stackyard/core/engine";
import { EventMessage } from "@stackyard/core/machine";
import { type Static, type TSchema, Type } from "typebox";

/** An instant: ISO 8601 in UTC. */
export const Instant = Type.String({ format: "date-time" });

/** An id as it comes in a path or a query. */
export const StackId = Type.String({ minLength: 1, maxLength: 255 });

/** The ids of events may be of any sender. */
export const EventId = Type.String({ minLength: 1, maxLength: 255 });

/** Five encoded parts joined by slashes; see the reference of attempts. */
export const AttemptId = Type.String({ minLength: 1, maxLength: 8_192 });

/** Parameters of every list. */
export const pageQuery = {
  cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 2_048, description: "As the page before gave it." })),
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1_000,
      description: "Default 100. A page of large items ends earlier, at about 1 MiB, with a cursor.",
    }),
  ),
};

/** A row of the store that a list cannot show. */
const UnreadableRow = Type.Object({
  id: Type.String({ description: "Of the item; of a line of the history: its position." }),
  reason: Type.String(),
});

/** A page of such items; without a cursor it is the last. */
export function pageOf<Item extends TSchema>(item: Item) {
  return Type.Object({
    items: Type.Array(item, { description: "Up to the limit, and about 1 MiB of them." }),
    cursor: Type.Optional(Type.String({ description: "Missing: this is the last page." })),
    unreadable: Type.Optional(
      Type.Array(UnreadableRow, { description: "Rows in this part of the list that the store cannot read." }),
    ),
  });
}

/** Epoch milliseconds as the API shows them. */
export function toInstant(ms: number): string {
  return new Date(ms).toISOString();
}

/** What became of an event. */
const Outcome = Type.Enum(["applied", "removed", "parked", "refused", "dead-lettered", "ignored"]);

/** One line of the yard's history. */
export const HistoryEntry = Type.Object({
  position: Type.Integer({ description: "Grows over the yard; gaps are possible." }),
  stackId: Type.String(),
  at: Instant,
  eventId: Type.String(),
  internal: Type.Optional(
    Type.Literal(true, {
      description: "A worker, a timer or a deadline brought it: no sender's event with the same id.",
    }),
  ),
  event: Type.String(),
  outcome: Outcome,
  life: Type.Optional(Type.String()),
  actor: Type.Optional(Type.String()),
  code: Type.Optional(
    Type.String({ description: "Why it was not applied; of an applied TASK_ERROR: the code of the task's failure." }),
  ),
  reason: Type.Optional(Type.String()),
  from: Type.Optional(Type.String({ description: "The state before." })),
  to: Type.Optional(Type.String({ description: "The state after." })),
  task: Type.Optional(Type.String()),
  description: Type.Optional(Type.String()),
  metadata: Type.Optional(Type.Unknown({ description: "What the event brought; sensitive values as `***`." })),
  outputs: Type.Optional(Type.Unknown({ description: "What a task gave, in stacks of version 2." })),
  retryable: Type.Optional(Type.Boolean({ description: "Of a failed task: another attempt may help." })),
  dispatchId: Type.Optional(Type.String({ description: "The attempt that an answer from outside named." })),
  timer: Type.Optional(Type.String({ description: "The timer that has brought the event." })),
  confirmed: Type.Optional(Type.Literal(true, { description: "The sender confirmed the stack's id." })),
  sent: Type.Array(Type.String(), { description: "Tasks that were sent." }),
  notes: Type.Array(Type.String()),
  machineHash: Type.Optional(Type.String()),
});
export type HistoryEntry = Static<typeof HistoryEntry>;

/** A dead-lettered event, kept until it is redriven or too old. */
export const DeadLetter = Type.Object({
  id: Type.String({ description: "Of this entry; `redrive` takes it." }),
  eventId: Type.String(),
  stackId: Type.String(),
  event: Type.Optional(Type.String()),
  actor: Type.Optional(Type.String()),
  code: Type.String(),
  reason: Type.String(),
  receivedAt: Instant,
  deadLetteredAt: Instant,
  message: Type.Record(Type.String(), Type.Unknown(), {
    description: "As received, without its envelope; sensitive values as `***`.",
  }),
});
export type DeadLetter = Static<typeof DeadLetter>;

/** A line of the history as the API shows it. */
export function toHistoryEntry(stored: StoredHistoryEntry): HistoryEntry {
  const entry = toPrinted.entry(stored);
  return { ...entry, at: toInstant(entry.at), sent: [...entry.sent], notes: [...entry.notes] };
}

/** A dead letter as the API shows it. */
export function toDeadLetter(deadLetters: DeadLetters): DeadLetter {
  const { id, event, code, reason, deadLetteredAt } = deadLetters;
  const name = event.message["event"] ?? event.message["action"];
  return {
    id,
    code,
    reason,
    eventId: event.id,
    stackId: event.stackId,
    ...(typeof name === "string" ? { event: name } : {}),
    ...defined({ actor: event.actor }),
    receivedAt: toInstant(event.receivedAt),
    deadLetteredAt: toInstant(deadLetteredAt),
    message: { ...toPrinted.message(deadLetters) },
  };
}

/** Lines of the history in a list. */
export const historyItem = {
  toView: toHistoryEntry,
  toId: ({ position }: StoredHistoryEntry) => String(position),
};

/** What became of one message of a request, in the order of the request. */
export const PublishResult = Type.Union([
  Type.Object({ kind: Type.Literal("accepted"), eventId: Type.String(), stackId: Type.String() }),
  Type.Object({
    kind: Type.Literal("duplicate", { description: "The stack knows the id: nothing was queued." }),
    code: Type.Literal("DUPLICATE"),
    eventId: Type.String(),
    stackId: Type.String(),
    reason: Type.String(),
    usedFor: Type.Optional(
      Type.Object(
        { event: Type.String(), outcome: Outcome, at: Instant },
        { description: "Absent: the earlier event is not decided yet, or its history is pruned." },
      ),
    ),
  }),
  Type.Object({
    kind: Type.Literal("invalid"),
    code: Type.Union([Type.Literal("EVENT_INVALID"), Type.Literal("EVENT_RESERVED")]),
    reason: Type.String(),
  }),
]);
export type PublishResult = Static<typeof PublishResult>;

/** The answer to one or many events. */
export const PublishAnswer = Type.Object({ results: Type.Array(PublishResult) });
export type PublishAnswer = Static<typeof PublishAnswer>;

/** One event or many. Each is checked by itself, so what is wrong in one of many stops no other. */
export const PublishBody = Type.Union([Type.Object({}), Type.Array(Type.Unknown(), { minItems: 1 })]);

/** What an operator's request has led to. */
export const OperationAnswer = Type.Object({
  eventId: Type.String(),
  stackId: Type.String(),
  outcome: Type.Union([Outcome, Type.Literal("waiting", { description: "Not decided yet; see the history." })]),
  code: Type.Optional(Type.String()),
  reason: Type.Optional(Type.String()),
  notes: Type.Array(Type.String()),
});
export type OperationAnswer = Static<typeof OperationAnswer>;

const reason = Type.String({ minLength: 1, maxLength: 4_096 });
const TaskName = Type.String({ minLength: 1, maxLength: 1_024 });
const id = Type.Optional(EventId);

/** `which`: failed tasks get a new attempt; pending ones are sent again under the same attempt. */
export const RetryBody = Type.Object({
  which: Type.Optional(Type.Union([Type.Literal("failed"), Type.Literal("pending")])),
  task: Type.Optional(TaskName),
  reason: Type.Optional(reason),
  id,
});

/** Asks a running task to stop. */
export const CancelBody = Type.Object({ task: TaskName, reason: Type.Optional(reason), id });

/** Declares a task done by hand. */
export const SettleBody = Type.Object({ task: TaskName, as: Type.Literal("succeeded"), reason, id });

/** Removes a stack's record; what it has made stays. */
export const RemoveBody = Type.Object({ force: Type.Literal(true), reason, id });

/** An event message; the words are those of the queues. */
export const EventBody = EventMessage;
