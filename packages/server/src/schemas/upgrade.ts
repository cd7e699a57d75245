import type { createPlanner } from "@stackyard/core/engine";
import { type Static, Type } from "typebox";
import { EventId, Instant, toInstant } from "./common.ts";

const Hash = Type.String({ pattern: "^[0-9a-f]{64}$", description: "A revision's content hash." });
const reason = Type.Optional(Type.String({ minLength: 1, maxLength: 4_096 }));
const dryRun = Type.Optional(Type.Boolean({ description: "Changes nothing, and tells what would be another." }));
const to = Type.Optional(
  Type.String({
    pattern: "^[0-9a-f]{4,64}$",
    description:
      "A kept revision, or the newest: its content hash, or so many of its first digits that they are those of one. Default: the newest valid one.",
  }),
);

/** Moves a stack to another revision of its machine. */
export const UpgradeBody = Type.Object({ to, dryRun, reason, id: Type.Optional(EventId) });

/** Moves the stacks of a machine, a page at a time. */
export const UpgradeMachineBody = Type.Object({
  to,
  dryRun,
  reason,
  cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 2_048, description: "As the page before gave it." })),
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 100, description: "Stacks of the page. Default 50; 20 at most in a dry run." }),
  ),
});

const ReplayedEvent = Type.Object({
  outcome: Type.Enum(["applied", "removed", "refused", "ignored"]),
  code: Type.Optional(Type.String()),
  state: Type.Union([Type.String(), Type.Null()]),
  sent: Type.Array(Type.String(), { description: "Tasks that were sent." }),
});

const Scalar = Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()]);

/** What an upgrade would do; nothing of it has happened. */
export const UpgradePlan = Type.Object({
  stackId: Type.String(),
  machine: Type.String(),
  from: Hash,
  to: Type.Optional({ ...Hash, description: "Absent when there is no such revision." }),
  outcome: Type.Enum(["applied", "refused"], {
    description: "Whether the upgrade would be accepted as the stack stands.",
  }),
  code: Type.Optional(Type.String()),
  reason: Type.Optional(Type.String()),
  replayed: Type.Integer({ description: "Lines of the history that were replayed." }),
  incomplete: Type.Optional(Type.String({ description: "Why the replay does not tell all; absent when it does." })),
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
    description: "How the stack would stand otherwise; sensitive values as `***`.",
  }),
});
export type UpgradePlan = Static<typeof UpgradePlan>;

/** What became of one stack. */
export const UpgradeResult = Type.Object({
  stackId: Type.String(),
  outcome: Type.Enum(["applied", "unchanged", "refused", "waiting"], {
    description: "`unchanged`: it has the revision already. `waiting`: not decided yet; its history will tell.",
  }),
  code: Type.Optional(Type.String()),
  reason: Type.Optional(Type.String()),
  eventId: Type.Optional(Type.String()),
  plan: Type.Optional(UpgradePlan),
});
export type UpgradeResult = Static<typeof UpgradeResult>;

type Plan = NonNullable<Awaited<ReturnType<ReturnType<typeof createPlanner>["planUpgrade"]>>>;
type Difference = Plan["differences"][number];

/** A plan as the API shows it. */
export function toUpgradePlan(plan: Plan): UpgradePlan {
  return { ...plan, differences: plan.differences.map(toDifference), end: plan.end.map((each) => ({ ...each })) };
}

function toDifference({ at, before, after, ...rest }: Difference): UpgradePlan["differences"][number] {
  return {
    ...rest,
    at: toInstant(at),
    ...(before === undefined ? {} : { before: { ...before, sent: [...before.sent] } }),
    after: { ...after, sent: [...after.sent] },
  };
}
