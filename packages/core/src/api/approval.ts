import { Type } from "typebox";
import { Instant } from "./event.ts";
import type { View } from "./view.ts";

/** A sender as an approval names it. */
const ApprovalSender = Type.Object({
  kind: Type.String({ description: "person, aws, host, local, token, workload or anonymous." }),
  id: Type.String({ description: "Unique within its kind." }),
  name: Type.String(),
});

/** An open approval: a task whose detail is APPROVING. */
export const Approval = Type.Object({
  id: Type.String({
    description:
      "Another one whenever the stack's metadata has changed. In a path it is one segment: encode its slashes.",
  }),
  stackId: Type.String(),
  machine: Type.String(),
  state: Type.String(),
  task: Type.String(),
  from: Type.Array(Type.String(), { description: "Groups whose members may approve." }),
  count: Type.Integer({ description: "How many people must approve." }),
  need: Type.Integer({ description: "How many more people must approve." }),
  own: Type.Boolean({ description: "The requester may approve too." }),
  comment: Type.Union([Type.Literal("required"), Type.Literal("optional")]),
  of: Type.Optional(
    Type.String({
      description:
        "The text that each approval must repeat. The digest of a plan of a release: GET /v1/stacks/{stackId}/plans/{of}.",
    }),
  ),
  askedBy: Type.Optional(ApprovalSender),
  askedAt: Instant,
  expiresAt: Instant,
  given: Type.Array(
    Type.Object({
      by: ApprovalSender,
      at: Instant,
      comment: Type.Optional(Type.String({ description: "At most 500 characters; the history has all of it." })),
    }),
    {
      description: "Oldest first, each person once.",
    },
  ),
  mine: Type.Optional(Type.Boolean({ description: "In lists: the caller may approve it." })),
});
export type Approval = View<typeof Approval>;
