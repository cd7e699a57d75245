import { Type } from "typebox";
import { DeployStack } from "./deploy.ts";
import { Instant } from "./event.ts";
import type { View } from "./view.ts";

const count = Type.Integer({ minimum: 0 });
const values = (description: string) => Type.Record(Type.String(), Type.Unknown(), { description });

/** The events that a task of a plan would send. */
const PlannedTask = Type.Object({
  task: Type.String(),
  event: Type.String(),
  metadata: values("What the event brings."),
  until: Type.Array(Type.String(), { description: "States in which a stack has arrived." }),
  waves: Type.Array(Type.String()),
});

/** A plan of a release: what its tasks would do, as an approval of its digest is about it. */
export const DeployPlan = Type.Object({
  digest: Type.String({ description: "What an approval repeats as `of`: 64 hex digits." }),
  madeAt: Instant,
  tasks: Type.Array(PlannedTask),
  stacks: Type.Integer({ description: "That the caller may read." }),
  hidden: Type.Integer({
    description: "Stacks of the plan that the caller may not read. No other count contains them.",
  }),
  counts: Type.Object(
    { move: count, same: count, create: count, moving: count, fails: count },
    { description: "Stacks by what happens to them: see `does` of a stack." },
  ),
  runs: Type.Integer({ description: "Tasks that the stacks' machines would run." }),
  changed: Type.Integer({ description: "Stacks that are not as they were planned any more." }),
});
export type DeployPlan = View<typeof DeployPlan>;

/** A stack of a plan. */
export const PlannedStack = Type.Object({
  stackId: Type.String(),
  task: Type.String(),
  wave: Type.String(),
  does: Type.Enum(["move", "same", "create", "moving", "fails"], {
    description:
      "`same`: it has the values already, and gets no event. `moving`: it did not rest in time. `fails`: the event would be refused, or must not be sent.",
  }),
  code: Type.Optional(Type.String({ description: "Of `fails`." })),
  incarnation: Type.Optional(Type.String({ description: "Missing: the stack did not exist." })),
  revision: Type.Optional(
    Type.String({ description: "The hash of the machine's revision that decides. Missing: nothing is decided." }),
  ),
  from: values("The present values of the keys that are sent; null: none. Sensitive ones are `***`."),
  to: values("The values afterwards."),
  show: values("The keys that the plan shows, as they were."),
  tasks: Type.Array(Type.String(), {
    description: "What its machine would run, as `STATE/task`, if each task succeeds.",
  }),
  end: Type.Optional(Type.String({ description: "The state in which it would rest then. Missing: it is removed." })),
  whole: Type.Boolean({ description: "False: what follows depends on outputs; the list ends before." }),
  changed: Type.Boolean({
    description: "It is not as it was planned any more: nothing would be sent to it (PLAN_STALE). Plan again.",
  }),
  changes: Type.Optional(
    Type.Object(
      { adds: count, changes: count, destroys: count },
      {
        description:
          "What the stack's own plan would do with its resources: the one whose id is among `show`, as its task has reported it. Missing: none is known.",
      },
    ),
  ),
  progress: Type.Optional(
    Type.Object(
      {
        state: DeployStack.properties.state,
        approving: DeployStack.properties.approving,
        code: DeployStack.properties.code,
        message: DeployStack.properties.message,
        since: Instant,
      },
      { description: "How far the task that follows this plan is with the stack. Missing: it has not begun." },
    ),
  ),
  parked: Type.Array(Type.Object({ event: Type.String(), code: Type.String(), since: Instant }), {
    description: "Events that are parked for the stack now, at most ten: they may be applied when it moves.",
  }),
});
export type PlannedStack = View<typeof PlannedStack>;
