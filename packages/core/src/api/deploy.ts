import { Type } from "typebox";
import { ActorId, Instant } from "./event.ts";
import type { View } from "./view.ts";

const count = Type.Integer({ minimum: 0 });

/** Stacks of a wave by how far they are. */
const DeployCounts = Type.Object({
  waiting: count,
  sent: { ...count, description: "On their way." },
  done: count,
  unchanged: { ...count, description: "Had the values already." },
  failed: count,
  skipped: { ...count, description: "Left alone: removed, frozen, or has something newer, for example." },
  unsent: { ...count, description: "Not sent, because the task has stopped." },
  undone: { ...count, description: "A later task has restored what was before." },
});

const DeployWave = Type.Object({
  name: Type.String(),
  stacks: count,
  counts: DeployCounts,
  maxFailures: Type.Optional({
    ...count,
    description: "Failures that the wave allows: one more, and nothing more is sent. Missing: failures stop nothing.",
  }),
  pause: Type.Optional(
    Type.Object({ from: Instant, to: Instant }, { description: "The pause after the wave, once it has begun." }),
  ),
});

/** The progress of a deployment from an instant on. */
const ProgressPoint = Type.Object({
  at: Instant,
  done: { ...count, description: "Stacks that had arrived, or had the values already." },
  failed: count,
});

/** The work of one task `deploy` of a release. */
export const Deploy = Type.Object({
  task: Type.String(),
  op: Type.Union([Type.Literal("send"), Type.Literal("undo")]),
  event: Type.String(),
  metadata: Type.Record(Type.String(), Type.Unknown()),
  plan: Type.Optional(Type.String({ description: "The digest of the plan that it follows." })),
  approval: Type.Optional(
    Type.Object(
      {
        task: Type.String(),
        by: Type.Array(Type.Object({ name: Type.String(), id: Type.Optional(ActorId) })),
        at: Instant,
        settled: Type.Optional(
          Type.Literal(true, { description: "Not approved: `by` has settled the task by hand, with a reason." }),
        ),
      },
      { description: "The approval of exactly this plan, and who has given it. Missing: the plan was not approved." },
    ),
  ),
  unseen: Type.Optional({
    ...count,
    description:
      "More stacks that fit, and that the grant of the release's machine does not let it see. Missing: none.",
  }),
  startedAt: Instant,
  firstSentAt: Type.Optional(Instant),
  endedAt: Type.Optional(Instant),
  stop: Type.Optional(
    Type.Object({ code: Type.String(), message: Type.String() }, { description: "Why nothing more is sent." }),
  ),
  concurrency: Type.Optional({ ...count, description: "Stacks that may be on their way at the same time." }),
  waves: Type.Array(DeployWave),
  progress: Type.Optional(
    Type.Array(ProgressPoint, {
      description:
        "From the begin on, one for each change; of many changes some are left out. Missing before the first.",
    }),
  ),
  trouble: Type.Optional(
    Type.Array(Type.Object({ code: Type.String(), stacks: count }), {
      description:
        "With `trouble`: how many stacks that had arrived are not as the task wants them now, without those that the caller may not read. Empty: none.",
    }),
  ),
  soaksUntil: Type.Optional({
    ...Instant,
    description: "With `trouble`: a soak of the task is not over, or has begun again, and ends then.",
  }),
  undo: Type.Optional(
    Type.String({ description: "The event that leads from the release's present state to one that undoes this task." }),
  ),
});
export type Deploy = View<typeof Deploy>;

/** A stack of a task `deploy`. */
export const DeployStack = Type.Object({
  stackId: Type.String(),
  wave: Type.String(),
  state: Type.Enum(["waiting", "sent", "done", "unchanged", "failed", "skipped", "unsent", "undone"]),
  tries: count,
  approving: Type.Optional(Type.Literal(true, { description: "An approval of the stack itself is open." })),
  code: Type.Optional(Type.String({ description: "Why it waits, has failed or was skipped." })),
  message: Type.Optional(Type.String()),
  from: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), {
      description: "The values before the first event; null: the key had none. Missing after an undo.",
    }),
  ),
  tasks: Type.Optional(
    Type.Array(Type.String(), {
      description: "What the machine of the stack runs, as `STATE/task`, by the plan that the deployment follows.",
    }),
  ),
  since: { ...Instant, description: "When it entered its state: of `done` its arrival." },
  sentAt: Type.Optional({ ...Instant, description: "When its last event was sent." }),
});
export type DeployStack = View<typeof DeployStack>;
