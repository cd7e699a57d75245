import { Type } from "typebox";
import { ActorId, Instant } from "./event.ts";
import { PlanDigest } from "./planned-event.ts";
import type { View } from "./view.ts";

/** The action of a bulk on each of its items. */
export const BulkOperation = Type.Enum(
  ["send", "retry", "cancel", "acknowledge", "settle", "remove", "upgrade", "redrive", "dismiss", "withdraw"],
  {
    description:
      "The items of `redrive` and `dismiss` are dead letters, of `withdraw` parked events, all others are stacks.",
  },
);
export type BulkOperation = View<typeof BulkOperation>;

/** The outcome of an item. */
export const BulkOutcome = Type.Enum(
  [
    "applied",
    "removed",
    "parked",
    "refused",
    "dead-lettered",
    "ignored",
    "redriven",
    "dismissed",
    "withdrawn",
    "gone",
    "waiting",
    "skipped",
  ],
  {
    description:
      "As the history says; `redriven`: the dead letter is queued again; `dismissed`: it is removed; `withdrawn`: the parked event is never applied. `gone`: it did not exist any more. `waiting`: queued, but not decided within a minute. `skipped`: the bulk was cancelled before.",
  },
);
export type BulkOutcome = View<typeof BulkOutcome>;

const count = Type.Integer({ minimum: 0 });

/** One operation on many stacks, dead letters or parked events. Kept for 7 days. */
export const Bulk = Type.Object({
  id: Type.String(),
  operation: BulkOperation,
  filter: Type.Record(Type.String(), Type.Unknown(), { description: "As it was given." }),
  event: Type.Optional(Type.String({ description: "The event that each stack is sent." })),
  reason: Type.Optional(Type.String()),
  actor: Type.String({ description: "Who started it." }),
  actorId: Type.Optional(ActorId),
  status: Type.Enum(["running", "cancelling", "done", "cancelled"]),
  createdAt: Instant,
  endedAt: Type.Optional(Instant),
  total: Type.Integer({ minimum: 0, description: "Items, chosen when it was started." }),
  done: Type.Integer({ minimum: 0, description: "Items that have an outcome." }),
  counts: Type.Record(Type.String(), count, { description: "Items by outcome." }),
  cancelledBy: Type.Optional(Type.String()),
  cancelledById: Type.Optional(ActorId),
  cancelReason: Type.Optional(Type.String()),
});
export type Bulk = View<typeof Bulk>;

/** One item of a bulk. */
export const BulkItem = Type.Object({
  n: Type.Integer({ minimum: 1, description: "Its place." }),
  id: Type.String({ description: "Of the stack, the dead letter or the parked event." }),
  eventId: Type.Optional(Type.String({ description: "`bulk-<id>-<n>`: see its history for more." })),
  outcome: Type.Optional(BulkOutcome),
  code: Type.Optional(Type.String({ description: "Why it was not applied." })),
  reason: Type.Optional(Type.String()),
});
export type BulkItem = View<typeof BulkItem>;

/** The present effects of a bulk, which are not applied. */
export const BulkPlan = Type.Object({
  operation: BulkOperation,
  total: Type.Integer({ minimum: 0, description: "Items that would be chosen." }),
  ids: Type.Optional(
    Type.Array(Type.String(), { description: "All of them: a later dry run shows which came and which went." }),
  ),
  examined: Type.Integer({ minimum: 0, description: "Items whose outcome was looked up: of `upgrade` at most 200." }),
  outcomes: Type.Array(
    Type.Object({
      outcome: BulkOutcome,
      code: Type.Optional(Type.String()),
      count,
      reason: Type.Optional(Type.String({ description: "Of the first of them." })),
      follows: Type.Array(Type.String(), {
        description: "What follows at once, such as a timer whose instant has passed.",
      }),
      examples: Type.Array(Type.String(), { description: "Ids of the first 5." }),
    }),
    { description: "The most frequent first." },
  ),
  digest: PlanDigest,
});
export type BulkPlan = View<typeof BulkPlan>;
