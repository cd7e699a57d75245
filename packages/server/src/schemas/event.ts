import { defined } from "@stackyard/core";
import { type DeadLetter, type HistoryEntry, PublishResult } from "@stackyard/core/api";
import {
  type DeadLetter as StoredDeadLetter,
  type StoredHistoryEntry,
  toEventName,
  toPrinted,
} from "@stackyard/core/engine";
import { EventMessage } from "@stackyard/core/machine";
import { type Static, type TSchema, Type } from "typebox";

/** An id as it comes in a path or a query. */
export const StackId = Type.String({ minLength: 1, maxLength: 255 });

/** The ids of events may be of any sender. */
export const EventId = Type.String({ minLength: 1, maxLength: 255 });

/** Five encoded parts joined by slashes; see the reference of attempts. */
export const AttemptId = Type.String({ minLength: 1, maxLength: 8_192 });

/** Parameters of every list. */
export const pageQuery = {
  cursor: Type.Optional(
    Type.String({ minLength: 1, maxLength: 2_048, description: "The `cursor` of the previous page." }),
  ),
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

/** Returns the schema of a page of items; without a cursor it is the last page. */
export function pageOf<Item extends TSchema>(item: Item) {
  return Type.Object({
    items: Type.Array(item, { description: "Up to the limit, and about 1 MiB of them." }),
    cursor: Type.Optional(Type.String({ description: "Missing: this is the last page." })),
    unreadable: Type.Optional(
      Type.Array(UnreadableRow, { description: "Rows in this part of the list that the store cannot read." }),
    ),
  });
}

/** Formats epoch milliseconds for the API. */
export function toInstant(ms: number): string;
export function toInstant(ms: number | undefined): string | undefined;
export function toInstant(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString();
}

/** Converts a line of the history to the API's format. */
export function toHistoryEntry(stored: StoredHistoryEntry): HistoryEntry {
  const { release, ...entry } = toPrinted.entry(stored);
  return { ...entry, at: toInstant(entry.at), ...(release && { release: toRelease(release) }) };
}

function toRelease({
  id,
  machine,
  task,
  createdAt,
}: NonNullable<StoredHistoryEntry["release"]>): NonNullable<HistoryEntry["release"]> {
  return { id, machine, task, createdAt: toInstant(createdAt) };
}

/** Converts a dead letter to the API's format. */
export function toDeadLetter(stored: StoredDeadLetter): DeadLetter {
  const { id, event, code, reason, deadLetteredAt } = stored;
  return {
    id,
    code,
    reason,
    eventId: event.id,
    stackId: event.stackId,
    ...defined({ event: toEventName(event.message), actor: event.actor }),
    receivedAt: toInstant(event.receivedAt),
    deadLetteredAt: toInstant(deadLetteredAt),
    message: toPrinted.message(stored),
  };
}

/** Lines of the history in a list. */
export const historyItem = {
  toView: toHistoryEntry,
  toId: ({ position }: StoredHistoryEntry) => String(position),
};

/** The answer to one or many events. */
export const PublishAnswer = Type.Object({ results: Type.Array(PublishResult) });
export type PublishAnswer = Static<typeof PublishAnswer>;

/** One event or many. Each is validated separately, so that faults of one do not affect the others. */
export const PublishBody = Type.Union([Type.Object({}), Type.Array(Type.Unknown(), { minItems: 1 })]);

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

/** Requests that a running task stops. */
export const CancelBody = Type.Object({ task: TaskName, reason: Type.Optional(reason), id });

/** Acknowledges the last failure. */
export const AcknowledgeBody = Type.Object({ reason: Type.Optional(reason), id });

/** Marks a task as done. */
export const SettleBody = Type.Object({
  task: TaskName,
  as: Type.Literal("succeeded"),
  approval: Type.Optional(
    Type.Boolean({ description: "The task is an approval. Needs the permission `approvals:settle` too." }),
  ),
  reason,
  id,
});

/** Rejects, or takes back an approval. */
export const ApprovalBody = Type.Object({ comment: Type.Optional(reason), id });

/** Approves. */
export const ApproveBody = Type.Object({
  of: Type.Optional(
    Type.String({ maxLength: 1_024, description: "What is approved; needed where the approval has such a text." }),
  ),
  comment: Type.Optional(reason),
  id,
});

/** Removes a stack's record; its resources remain. */
export const RemoveBody = Type.Object({ force: Type.Literal(true), reason, id });

/** An event message; the words are those of the queues. */
export const EventBody = EventMessage;
