import { Type } from "typebox";
import { Instant } from "./event.ts";
import { StackSummary, Waiting } from "./stack.ts";
import type { View } from "./view.ts";

const Text = Type.String({ minLength: 1, maxLength: 1_024 });

/** The pull request of a preview. */
export const PreviewPull = Type.Object({
  host: Type.String({ pattern: "^[a-z][a-z0-9-]{0,31}$", description: "As the options name it, such as `github`." }),
  repository: Type.Object({
    id: Type.String({ pattern: "^[0-9]{1,20}$", description: "The host's number, which survives renames." }),
    fullName: Type.String({ minLength: 1, maxLength: 1_024, description: "Such as `acme/shop`." }),
  }),
  number: Type.Integer({ minimum: 1, maximum: 2_147_483_647 }),
  url: Text,
  title: Type.Optional(Text),
  head: Type.String({ pattern: "^[0-9a-f]{40}$", description: "The commit that the stack was last sent." }),
  owner: Type.String({ minLength: 1, maxLength: 1_024, description: "Login of the author." }),
});
export type PreviewPull = View<typeof PreviewPull>;

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
  state: Type.String(),
  enteredAt: Instant,
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
  unreadable: Type.Optional(
    Type.Object(
      { since: Instant, reason: Type.String() },
      { description: "Its code host does not show the pull request any more. The stack is kept." },
    ),
  ),
  commands: Type.Object(
    { extend: PreviewCommand, sleep: PreviewCommand, wake: PreviewCommand, down: PreviewCommand },
    { description: "The events that commands of the pull request send, by the rules of its mapping document." },
  ),
});
export type StackPreview = View<typeof StackPreview>;
