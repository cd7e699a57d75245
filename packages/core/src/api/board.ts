import { Type } from "typebox";
import { Instant } from "./event.ts";
import type { View } from "./view.ts";

const count = Type.Integer({ minimum: 0 });

/** Stacks of an environment with the same values by the same release. */
const BoardVersion = Type.Object({
  values: Type.Record(Type.String(), Type.Unknown(), {
    description: "By the key of the metadata. Sensitive values are `***`; a key without a value is missing.",
  }),
  release: Type.Optional(
    Type.Object(
      { id: Type.String(), createdAt: Instant },
      { description: "The newest release that has set them. Missing: none has." },
    ),
  ),
  since: Instant,
  stacks: count,
  standings: Type.Object(
    { rests: count, moving: count, failed: count, "by-hand": count },
    { description: "`by-hand`: at rest with other values than those that releases have set." },
  ),
  examples: Type.Array(Type.String(), { description: "At most three ids, those in trouble first." }),
});

/** A release that has not arrived everywhere in an environment. */
const BoardArrival = Type.Object({
  release: Type.String(),
  task: Type.String({ description: "Its task that is open or has failed." }),
  hold: Type.Enum(["failed", "freeze", "window", "turn", "gate", "approval", "moving"], {
    description: "What holds it back. `window`: a calendar is closed. `moving`: nothing, it is at work.",
  }),
  why: Type.String({ description: "One sentence." }),
  values: Type.Record(Type.String(), Type.Unknown(), {
    description: "The known values that the environment will have. Sensitive values are `***`.",
  }),
});

/** An environment: what one task `deploy` of a machine sends to. */
const BoardEnvironment = Type.Object({
  task: Type.String(),
  stack: Type.Optional(Type.String()),
  machine: Type.Optional(Type.String({ description: "All of its stacks, or those that fit `where`." })),
  where: Type.Optional(Type.String()),
  stacks: Type.Integer({ description: "That the caller may read." }),
  behind: Type.Boolean({ description: "The environment before it has a newer release." }),
  lag: Type.Optional(
    Type.Object(
      { of: Type.String(), releases: Type.Integer({ minimum: 1 }) },
      {
        description:
          "How many newer releases there are, up to the newest of the environment `of`: the nearest before it to which a release has come. Missing: it is not behind.",
      },
    ),
  ),
  coming: Type.Optional(
    Type.Array(BoardArrival, { description: "Of the listed releases, those on their way here, the newest first." }),
  ),
  versions: Type.Array(BoardVersion, { description: "Those with most stacks first." }),
  problem: Type.Optional(Type.String({ description: "Why the stacks, or some of them, cannot be counted." })),
});

/** A release: a stack of the machine. */
const BoardRelease = Type.Object({
  id: Type.String(),
  state: Type.String(),
  condition: Type.String(),
  createdAt: Instant,
  waits: Type.Optional(Type.String({ description: "What it waits for, in a sentence." })),
});

/** A release that cannot be read: it may be anywhere, and newer than all others. */
const UnreadableRelease = Type.Object({ id: Type.String(), problem: Type.String() });

/** A turn: one release at a time has it. */
const BoardTurn = Type.Object({
  name: Type.String(),
  holder: Type.Optional(
    Type.Object(
      { release: Type.Optional(Type.String({ description: "Missing: one that the caller may not read." })) },
      { description: "Missing: the turn is free, or has a `problem`." },
    ),
  ),
  waiting: Type.Array(Type.Object({ release: Type.String(), task: Type.String() }), {
    description: "The newest, which gets it next, first; without those that the caller may not read.",
  }),
  problem: Type.Optional(
    Type.String({ description: "Why it is not known who has it: no release gets it until its record is repaired." }),
  ),
});

/** The versions in each environment of a machine whose tasks deploy to other stacks. Computed for each request. */
export const Board = Type.Object({
  machine: Type.String(),
  environments: Type.Array(BoardEnvironment),
  releases: Type.Array(BoardRelease, { description: "The newest twenty that have not been removed." }),
  unreadable: Type.Optional(
    Type.Array(UnreadableRelease, { description: "Releases that cannot be read, at most a hundred." }),
  ),
  turns: Type.Array(BoardTurn, {
    description: "Those that releases of the machine have or wait for, and those that cannot be read.",
  }),
});
export type Board = View<typeof Board>;

/** A machine that deploys. */
export const BoardName = Type.Object({ machine: Type.String(), environments: count });
export type BoardName = View<typeof BoardName>;
