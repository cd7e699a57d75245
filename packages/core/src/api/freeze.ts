import { Type } from "typebox";
import { ActorId, Instant } from "./event.ts";
import type { View } from "./view.ts";

/** Stacks that releases send no new events to. */
export const Freeze = Type.Object({
  name: Type.String(),
  reason: Type.String(),
  machine: Type.Optional(Type.String({ description: "Missing: stacks of all machines." })),
  where: Type.Optional(Type.String({ description: "CEL over `stack` and `metadata`. Missing: all stacks." })),
  startedAt: Instant,
  startedBy: Type.String(),
  startedById: Type.Optional(ActorId),
  to: Type.Optional(Type.String({ format: "date-time", description: "Missing: a person ends it." })),
  except: Type.Array(
    Type.Object({
      release: Type.String(),
      reason: Type.String(),
      at: Instant,
      by: Type.String(),
      byId: Type.Optional(ActorId),
    }),
    {
      description: "Releases that pass it.",
    },
  ),
});
export type Freeze = View<typeof Freeze>;

/** A task of a release that waits for a freeze. */
export const FreezeHold = Type.Object({
  release: Type.String(),
  task: Type.String(),
  stacks: Type.Integer({ description: "That the caller may read." }),
  examples: Type.Array(Type.String(), { description: "At most three ids." }),
  problem: Type.Optional(Type.String({ description: "Why not all of its stacks are counted: some may be held too." })),
});
export type FreezeHold = View<typeof FreezeHold>;
