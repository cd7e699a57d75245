import { Type } from "typebox";
import { BroughtCommit, CommitVerdict } from "../machine/commit.ts";
import type { View } from "./view.ts";

/** An instant: ISO 8601 in UTC. */
export const Instant = Type.String({ format: "date-time" });

/** Who a person is, besides the name. */
export const ActorId = Type.String({
  description: "Of a person: who it is, as the server has verified. Names may repeat.",
});

/** The outcome of an event. */
export const Outcome = Type.Enum(["applied", "removed", "parked", "refused", "dead-lettered", "ignored"]);
export type Outcome = View<typeof Outcome>;

/** One line of the yard's history. */
export const HistoryEntry = Type.Object({
  position: Type.Integer({ description: "Grows over the yard; gaps are possible." }),
  stackId: Type.String(),
  at: Instant,
  eventId: Type.String(),
  internal: Type.Optional(
    Type.Literal(true, {
      description: "A worker, a timer, a deadline or a release sent it; it is not an external event with the same id.",
    }),
  ),
  release: Type.Optional(
    Type.Object(
      { id: Type.String(), machine: Type.String(), task: Type.String(), createdAt: Instant },
      { description: "The release that sent it: a stack, its machine, and the task." },
    ),
  ),
  event: Type.String(),
  outcome: Outcome,
  incarnation: Type.Optional(Type.String()),
  actor: Type.Optional(Type.String()),
  actorId: Type.Optional(ActorId),
  code: Type.Optional(
    Type.String({
      description:
        "Why it was not applied; of an applied TASK_ERROR: the code of the task's failure; of an applied TASK_COMPLETED: of what the task has left undone.",
    }),
  ),
  reason: Type.Optional(Type.String()),
  from: Type.Optional(Type.String({ description: "The state before." })),
  to: Type.Optional(Type.String({ description: "The state after." })),
  task: Type.Optional(Type.String()),
  description: Type.Optional(Type.String()),
  metadata: Type.Optional(Type.Unknown({ description: "The metadata of the event; sensitive values as `***`." })),
  outputs: Type.Optional(Type.Unknown({ description: "What a task gave, in stacks of version 2." })),
  retryable: Type.Optional(Type.Boolean({ description: "Of a failed task: another attempt may help." })),
  dispatchId: Type.Optional(Type.String({ description: "The attempt that an answer from outside named." })),
  timer: Type.Optional(Type.String({ description: "The timer that sent the event." })),
  unwatchedMs: Type.Optional(
    Type.Integer({ description: "Of the end of an approval: how long the yard was away since it was requested." }),
  ),
  raisedBy: Type.Optional(Type.String({ description: "The id of the event whose reaction raised this one." })),
  confirmed: Type.Optional(Type.Literal(true, { description: "The sender confirmed the stack's id." })),
  sent: Type.Array(Type.String(), { description: "Tasks that were sent." }),
  unfinished: Type.Optional(
    Type.Array(Type.String(), { description: "Tasks of the state that was left, which had not succeeded." }),
  ),
  set: Type.Optional(
    Type.Unknown({
      description:
        "Metadata that the machine has changed, by `set` or by outputs of tasks; sensitive values as `***`. Contains what fits into 4 KiB.",
    }),
  ),
  repeats: Type.Optional(Type.String({ description: "The id of the parked event that the event repeats." })),
  commit: Type.Optional(BroughtCommit),
  commits: Type.Optional(
    Type.Array(CommitVerdict, { description: "What has become of commits of the stack by this event." }),
  ),
  notes: Type.Array(Type.String()),
  machineHash: Type.Optional(Type.String()),
});
export type HistoryEntry = View<typeof HistoryEntry>;

/** A dead-lettered event, kept until it is redriven, dismissed or too old. */
export const DeadLetter = Type.Object({
  id: Type.String({ description: "The id of this entry, for `redrive` and `dismiss`." }),
  eventId: Type.String(),
  stackId: Type.String(),
  event: Type.Optional(Type.String()),
  actor: Type.Optional(Type.String()),
  actorId: Type.Optional(ActorId),
  code: Type.String(),
  reason: Type.String(),
  receivedAt: Instant,
  deadLetteredAt: Instant,
  message: Type.Record(Type.String(), Type.Unknown(), {
    description: "As received, without its envelope; sensitive values as `***`.",
  }),
});
export type DeadLetter = View<typeof DeadLetter>;

/** The result of one message of a request, in the order of the request. */
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
        {
          event: Type.String(),
          outcome: Outcome,
          at: Instant,
          same: Type.Boolean({
            description: "It had the content of this message. False: this message is another event, and is lost.",
          }),
        },
        { description: "Absent: the earlier event is not decided yet, or its history is pruned." },
      ),
    ),
  }),
  Type.Object({
    kind: Type.Literal("invalid"),
    code: Type.Union([Type.Literal("EVENT_INVALID"), Type.Literal("EVENT_RESERVED"), Type.Literal("MACHINE_UNKNOWN")]),
    reason: Type.String(),
  }),
]);
export type PublishResult = View<typeof PublishResult>;

/** The answer to one or many events. */
export const PublishAnswer = Type.Object({ results: Type.Array(PublishResult) });
export type PublishAnswer = View<typeof PublishAnswer>;

/** The result of an operator's request. */
export const OperationAnswer = Type.Object({
  eventId: Type.String(),
  stackId: Type.String(),
  outcome: Type.Union([Outcome, Type.Literal("waiting", { description: "Not decided yet; see the history." })]),
  code: Type.Optional(Type.String()),
  reason: Type.Optional(Type.String()),
  notes: Type.Array(Type.String()),
  repeated: Type.Optional(
    Type.Literal(true, {
      description: "The id was used before. This is the earlier outcome: the request did nothing.",
    }),
  ),
});
export type OperationAnswer = View<typeof OperationAnswer>;
