import { Type } from "typebox";
import { Instant } from "./event.ts";
import { PreviewPull } from "./preview-pull.ts";
import { StackSummary, Waiting } from "./stack.ts";
import type { View } from "./view.ts";

/** The event that a command of a pull request sends. */
export const PreviewCommand = Type.Optional(
  Type.Object({
    event: Type.String(),
    metadata: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()])),
    duration: Type.Optional(Type.String({ description: "The key of the metadata for the duration, in seconds." })),
  }),
);

/** A stack that belongs to a pull request. */
export const StackPreview = Type.Object({
  stackId: Type.String(),
  pull: PreviewPull,
  machine: Type.String(),
  state: Type.Optional(Type.String({ description: "Missing: the stack does not exist, and `fault` says why." })),
  enteredAt: Type.Optional(Instant),
  mainCondition: StackSummary.properties.mainCondition,
  failed: StackSummary.properties.failed,
  stalled: StackSummary.properties.stalled,
  overdue: StackSummary.properties.overdue,
  waiting: Type.Optional(Waiting),
  url: Type.Optional(Type.String({ description: "The metadata `url`." })),
  monthlyCost: Type.Optional(Type.Number({ description: "USD, estimated; the metadata `monthly_cost`." })),
  costActual: Type.Optional(Type.Number({ description: "USD; the metadata `cost_actual`." })),
  expiresAt: Type.Optional(Type.String({ description: "The metadata `expires_at`." })),
  drifted: Type.Optional(Type.Boolean({ description: "The metadata `drifted`." })),
  fault: Type.Optional(
    Type.Object(
      {
        kind: Type.Enum(["unreadable", "unfollowed", "refused"], {
          description:
            "`unreadable`: the code host does not show the pull request any more. `unfollowed`: its host or mapping document is not configured any more. `refused`: the yard does not take an event that it needs.",
        }),
        since: Instant,
        reason: Type.String(),
      },
      { description: "Why the stack is not what its pull request needs. It is kept." },
    ),
  ),
  commands: Type.Object(
    { extend: PreviewCommand, sleep: PreviewCommand, wake: PreviewCommand, down: PreviewCommand },
    { description: "The events that commands of the pull request send, by the rules of its mapping document." },
  ),
});
export type StackPreview = View<typeof StackPreview>;
