import { EventMessage } from "@stackyard/core/machine";
import { type Static, Type } from "typebox";
import { EventId, Instant } from "./common.ts";
import { Outcome } from "./history.ts";

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
  outcome: Type.Union([Outcome, Type.Literal("waiting", { description: "Not decided yet; the history will tell." })]),
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
