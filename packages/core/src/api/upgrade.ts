import { Type } from "typebox";
import { Instant, OperationAnswer } from "./event.ts";
import { PlanDigest, PlannedEvent } from "./planned-event.ts";
import type { View } from "./view.ts";

const Hash = Type.String({ pattern: "^[0-9a-f]{64}$", description: "A revision's content hash." });

const ReplayedEvent = Type.Object({
  outcome: Type.Enum(["applied", "removed", "refused", "ignored"]),
  code: Type.Optional(Type.String()),
  state: Type.Union([Type.String(), Type.Null()]),
  sent: Type.Array(Type.String(), { description: "Tasks that were sent." }),
});

const Scalar = Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()]);

/** The effects of an upgrade, which are not applied. */
export const UpgradePlan = Type.Object({
  stackId: Type.String(),
  machine: Type.String(),
  from: Hash,
  to: Type.Optional({ ...Hash, description: "Absent when the revision does not exist." }),
  outcome: Type.Enum(["applied", "refused"], {
    description: "Whether the upgrade would be accepted in the current state of the stack.",
  }),
  code: Type.Optional(Type.String()),
  reason: Type.Optional(Type.String()),
  notes: Type.Array(Type.String(), { description: "What the upgrade itself changes, such as timers that stop." }),
  events: Type.Array(PlannedEvent, {
    description: "What follows from it at once: timers whose instant has passed, and parked events.",
  }),
  digest: Type.Optional(PlanDigest),
  replayed: Type.Integer({ description: "Lines of the history that were replayed." }),
  incomplete: Type.Optional(Type.String({ description: "Why the replay is incomplete; absent when it is complete." })),
  differences: Type.Array(
    Type.Object({
      eventId: Type.String(),
      event: Type.String(),
      at: Instant,
      position: Type.Optional(Type.Integer({ description: "In the history; absent for a timer that only `to` has." })),
      before: Type.Optional(ReplayedEvent),
      after: ReplayedEvent,
    }),
    { description: "Where the history would have been another, the first 100." },
  ),
  more: Type.Integer({ description: "How many more there are." }),
  end: Type.Array(Type.Object({ what: Type.String(), before: Scalar, after: Scalar }), {
    description: "How the stack would differ; sensitive values as `***`.",
  }),
});
export type UpgradePlan = View<typeof UpgradePlan>;

/** The result for one stack. */
export const UpgradeResult = Type.Object({
  stackId: Type.String(),
  outcome: Type.Enum(["applied", "unchanged", "refused", "waiting"], {
    description: "`unchanged`: it has the revision already. `waiting`: not decided yet; see its history.",
  }),
  code: Type.Optional(Type.String()),
  reason: Type.Optional(Type.String()),
  eventId: Type.Optional(Type.String()),
  plan: Type.Optional(UpgradePlan),
});
export type UpgradeResult = View<typeof UpgradeResult>;

/** The answer to the upgrade of a stack, or to a dry run of it. */
export const UpgradeAnswer = Type.Union([OperationAnswer, UpgradePlan]);
export type UpgradeAnswer = View<typeof UpgradeAnswer>;
