import { Type } from "typebox";
import { MAIN_CONDITIONS } from "../machine/stack-health.ts";
import { Approval } from "./approval.ts";
import { ActorId, Instant } from "./event.ts";
import { PreviewPull } from "./preview-pull.ts";
import type { View } from "./view.ts";

const Cancelling = Type.Union([Type.Literal("requested"), Type.Literal("timed-out")]);

/** One attempt of a task, without the token of its lease, which is a secret of the runner. */
export const Attempt = Type.Object({
  attemptId: Type.String(),
  stackId: Type.String(),
  task: Type.String(),
  entry: Type.Integer({ description: "Which entry into a state of the stack it belongs to." }),
  attempt: Type.Integer({ description: "From 1." }),
  executor: Type.Optional(Type.String()),
  status: Type.Union([
    Type.Literal("unclaimed", { description: "No runner has claimed it yet." }),
    Type.Literal("queued", { description: "It waits for an exclusive key." }),
    Type.Literal("running", { description: "A runner works on it." }),
    Type.Literal("suspended", { description: "The work continues elsewhere and is polled." }),
    Type.Literal("settled", { description: "It has ended." }),
  ]),
  dispatchedAt: Instant,
  deadlineAt: Instant,
  owner: Type.Optional(Type.String({ description: "The runner." })),
  leaseUntil: Type.Optional(Instant),
  pollDueAt: Type.Optional(Instant),
  cancelling: Type.Optional(Cancelling),
  queuedFor: Type.Optional(Type.Object({ key: Type.String(), holder: Type.String(), place: Type.Integer() })),
  heldKeys: Type.Array(Type.String()),
  progressMessage: Type.Optional(Type.String()),
  opensAt: Type.Optional(
    Type.String({
      format: "date-time",
      description:
        "The earliest time at which what it waits for, such as a closed gate, lets it continue. Missing when that is not known.",
    }),
  ),
  heldBy: Type.Optional(
    Type.String({
      description: "The code of what holds back what it would do next, such as `FROZEN`. Missing when nothing does.",
    }),
  ),
  hasLog: Type.Boolean(),
  outcome: Type.Optional(
    Type.Union([
      Type.Literal("succeeded"),
      Type.Literal("failed"),
      Type.Literal("cancelled"),
      Type.Literal("closed", { description: "Ended without a result." }),
    ]),
  ),
});
export type Attempt = View<typeof Attempt>;

/** When the lines of a part of a log were logged. */
export const AttemptLogTimes = Type.Object({
  from: Type.Integer({ description: "Where the part begins, in bytes of the full log." }),
  to: Type.Integer({ description: "Where it ends." }),
  times: Type.Array(
    Type.Object({
      at: Type.Integer({ description: "Where the line begins, in bytes." }),
      time: Type.Integer({ description: "In epoch milliseconds, to a tenth of a second." }),
    }),
    { description: "The first one may be that of a line before `from`; it holds there." },
  ),
});
export type AttemptLogTimes = View<typeof AttemptLogTimes>;

/** An attempt in the list of the yard's. */
export const OpenAttempt = Type.Object({ ...Attempt.properties, machine: Type.String() });
export type OpenAttempt = View<typeof OpenAttempt>;

const MetadataValue = Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()]);
/** A value of a stack's metadata. */
export type MetadataValue = View<typeof MetadataValue>;

/** A sensitive value of a stack. */
export const RevealedSecret = Type.Object({ stackId: Type.String(), key: Type.String(), value: MetadataValue });
export type RevealedSecret = View<typeof RevealedSecret>;

/** The same values as in the machine's events: flat, types kept. */
export const Metadata = Type.Record(Type.String(), MetadataValue);

const detail = "More than the status says: WAITING, QUEUED, RUNNING, RETRYING, APPROVING, SKIPPED or CANCELLED.";

const TaskStatus = Type.Union([Type.Literal("PENDING"), Type.Literal("SATISFIED"), Type.Literal("ERROR")]);

const StackTask = Type.Object({
  name: Type.String(),
  status: TaskStatus,
  detail: Type.Optional(Type.String({ description: detail })),
  errorMessage: Type.Optional(Type.String({ description: "Only while the status is ERROR." })),
  errorCode: Type.Optional(Type.String({ description: "Of a failed task, where its worker gave a code." })),
});
/** A task of the present state. */
export type StackTask = View<typeof StackTask>;

const LastFailure = Type.Object(
  {
    task: Type.String(),
    state: Type.String({ description: "The state whose task it was." }),
    entry: Type.Integer(),
    attempt: Type.Integer({ description: "The attempt that failed; 0 where the task was never sent." }),
    at: Instant,
    code: Type.Optional(Type.String()),
    message: Type.Optional(
      Type.String({
        description: "Beginning and end, at most 2,000 characters; history and the attempt's log have more.",
      }),
    ),
    partial: Type.Optional(
      Type.Literal(true, {
        description: "The task has succeeded within what its config allows, and has left this undone.",
      }),
    ),
    resolvedAt: Type.Optional({
      ...Instant,
      description:
        "When a task of this name succeeded since, or was settled by hand, or all tasks of a state succeeded after `answeredAt`.",
    }),
    answeredAt: Type.Optional({
      ...Instant,
      description: "When an event from outside has made the stack enter a state since.",
    }),
    acknowledged: Type.Optional(
      Type.Object(
        {
          at: Instant,
          by: Type.Optional(Type.String()),
          byId: Type.Optional(ActorId),
          reason: Type.Optional(Type.String()),
        },
        { description: "Who has acknowledged the failure, when and why. Only a later success ends it." },
      ),
    ),
  },
  {
    description:
      "The last task of this incarnation that failed for good. It remains when the stack enters another state.",
  },
);
/** The newest task of a stack's present incarnation that failed for good. It stays when the stack moves on. */
export type LastFailure = View<typeof LastFailure>;

const Reachable = Type.Object({
  states: Type.Array(Type.String()),
  removal: Type.Boolean({ description: "The stack can reach its end and be removed." }),
});
/** The states that a stack can reach without an event from outside. */
export type Reachable = View<typeof Reachable>;

const StackRelease = Type.Object({
  id: Type.String({ description: "The stack that is the release." }),
  incarnation: Type.String({ description: "The id of the event that created that stack." }),
  createdAt: Instant,
  task: Type.String({ description: "The task of the release that sent the event." }),
  event: Type.String({ description: "The id of the event." }),
  value: MetadataValue,
  at: Instant,
});
/** The release that has set a value of a stack's metadata last. */
export type StackRelease = View<typeof StackRelease>;

const stackProperties = {
  id: Type.String(),
  machine: Type.String(),
  machineHash: Type.String({ description: "The revision that the stack was last decided on." }),
  state: Type.String(),
  previousState: Type.Union([Type.String(), Type.Null()]),
  metadata: Metadata,
  createdAt: Instant,
  updatedAt: Instant,
  enteredAt: Instant,
  incarnation: Type.String({ description: "The id of the event that created the stack." }),
  entry: Type.Integer({ description: "Counts the entries into states." }),
  version: Type.Integer({ description: "Grows with every change." }),
  stalled: Type.Optional(Type.Object({ code: Type.String(), reason: Type.String() })),
  failed: Type.Optional(Type.Boolean({ description: "No task runs any more, and one has failed." })),
  degraded: Type.Optional(
    Type.Boolean({
      description: "The stack has moved on after `lastFailure`, which no success has resolved.",
    }),
  ),
  needsPerson: Type.Optional(
    Type.Boolean({
      description:
        "A person has to act: the stack has failed, is degraded, overdue or stalled, or an approval is open. Missing when it is degraded only, and the failure was acknowledged.",
    }),
  ),
  releases: Type.Optional(
    Type.Record(Type.String(), StackRelease, {
      description: "The releases that have set metadata, by its key. Missing where none has.",
    }),
  ),
  overdue: Type.Optional(
    Type.Boolean({
      description: "The state's timeout has passed and nothing handled it, or the event of a timer was given up.",
    }),
  ),
};

/** The wait as data. Which of the other fields are present depends on the kind. */
export const Wait = Type.Object({
  kind: Type.Union([
    Type.Literal("lease", { description: "A worker works on the attempt." }),
    Type.Literal("worker", { description: "No worker has taken the attempt." }),
    Type.Literal("key", { description: "`attemptId` holds the exclusive key." }),
    Type.Literal("poll", { description: "The work continues elsewhere and is polled again." }),
    Type.Literal("opening", { description: "What it waits for, such as a closed gate, cannot open before `at`." }),
    Type.Literal("cancel", { description: "The attempt was asked to stop." }),
    Type.Literal("result", { description: "The answer is on its way." }),
    Type.Literal("timer", { description: "`event` is sent automatically." }),
    Type.Literal("need", { description: "Other tasks of the stack." }),
    Type.Literal("leaving", { description: "Runs of earlier states." }),
    Type.Literal("approval", { description: "People of `groups` must approve." }),
    Type.Literal("parked", { description: "The next try of a parked event." }),
    Type.Literal("event", { description: "One of `events` must be sent." }),
    Type.Literal("operator", { description: "An operator must act." }),
  ]),
  attemptId: Type.Optional(Type.String()),
  stackId: Type.Optional(Type.String()),
  task: Type.Optional(Type.String()),
  tasks: Type.Optional(Type.Array(Type.String())),
  key: Type.Optional(Type.String()),
  place: Type.Optional(Type.Integer({ description: "In the key's queue; 1 is next." })),
  worker: Type.Optional(Type.String()),
  executor: Type.Optional(Type.String()),
  event: Type.Optional(Type.String()),
  events: Type.Optional(Type.Array(Type.String())),
  eventId: Type.Optional(Type.String()),
  groups: Type.Optional(Type.Array(Type.String(), { description: "Their members may approve." })),
  need: Type.Optional(Type.Integer({ description: "How many more people must approve." })),
  given: Type.Optional(Type.Array(Type.String(), { description: "The names of those who have approved." })),
  at: Type.Optional(Instant),
  code: Type.Optional(Type.String()),
});
export type Wait = View<typeof Wait>;

const waitsFor = Type.Optional(Wait);

/** The wait of a stack, in a list. */
export const Waiting = Type.Object({
  summary: Type.String({ description: "One sentence." }),
  task: Type.Optional(
    Type.Object(
      { name: Type.String(), why: Type.String() },
      { description: "The task of which the sentence says why it is open, and that alone." },
    ),
  ),
  waitsFor,
});
export type Waiting = View<typeof Waiting>;

const FIRST =
  "The first that is true: failed, degraded, overdue, stalled, approval, busy, waiting (an event is parked), cancelled (of a job); else asleep or healthy.";
const MainConditionView = Type.Enum([...MAIN_CONDITIONS], { description: FIRST });
const mainCondition = Type.Optional(
  Type.Enum([...MAIN_CONDITIONS], { description: `${FIRST} In lists only with \`waiting\`.` }),
);

/** A stack as a list shows it. */
export const StackSummary = Type.Object({
  ...stackProperties,
  tasks: Type.Array(StackTask),
  lastFailure: Type.Optional(LastFailure),
  mainCondition,
  waiting: Type.Optional(Waiting),
});
export type StackSummary = View<typeof StackSummary>;

const StackGroup = Type.Object({
  machine: Type.Optional(Type.String({ description: "By machine, state or revision." })),
  state: Type.Optional(Type.String()),
  condition: Type.Optional(Type.String({ description: "Every condition is listed, also with a count of 0." })),
  mainCondition: Type.Optional(MainConditionView),
  needsPerson: Type.Optional(
    Type.Boolean({ description: "By main condition: true in a group of stacks that need attention." }),
  ),
  revision: Type.Optional(Type.String({ description: "Its hash." })),
  count: Type.Integer(),
});

/** The number of stacks that a filter fits. */
export const StackCounts = Type.Object({
  total: Type.Integer(),
  groups: Type.Array(StackGroup, {
    description:
      "At most 200, the largest first; by main condition 2,200. A stack may have several conditions, or none, but one main condition. Empty without `by`.",
  }),
  moreGroups: Type.Optional(Type.Integer({ description: "Groups that were left out; missing when none was." })),
});
export type StackCounts = View<typeof StackCounts>;

/** An event that the stack refuses for the present; it is decided again by itself. */
export const ParkedEvent = Type.Object({
  eventId: Type.String(),
  stackId: Type.String(),
  event: Type.String(),
  machine: Type.Optional(Type.String({ description: "The machine that the event names." })),
  actor: Type.Optional(Type.String()),
  actorId: Type.Optional(ActorId),
  code: Type.String(),
  reason: Type.String(),
  receivedAt: Instant,
  parkedAt: Instant,
  tries: Type.Integer(),
  nextTryAt: Instant,
});
export type ParkedEvent = View<typeof ParkedEvent>;

const refusal = { at: Instant, code: Type.String(), reason: Type.String() };

/** A parked event in the list of the yard's. */
export const ListedParkedEvent = Type.Object({
  id: Type.String({ description: "Of the parked event in the yard, to withdraw it." }),
  ...ParkedEvent.properties,
  stackExists: Type.Boolean({ description: "False: the stack does not exist (yet)." }),
});
export type ListedParkedEvent = View<typeof ListedParkedEvent>;

const ShownDeed = Type.Object({
  eventId: Type.String(),
  event: Type.String(),
  at: Instant,
  restedAt: Type.Optional({ ...Instant, description: "Since when its work has the end that it has." }),
  verdict: Type.Enum(["open", "failed", "noted", "done"], {
    description: "`noted`: it has set values only. `failed`: a task of `lacks` has not done its work since.",
  }),
  keys: Type.Array(Type.String(), { description: "The metadata keys whose present value it has set." }),
  lacks: Type.Array(
    Type.Object({
      task: Type.String(),
      why: Type.Enum(["failed", "cancelled", "partial", "left", "before"]),
      code: Type.Optional(Type.String()),
      taken: Type.Optional(
        Type.Literal(true, {
          description:
            "An earlier event's work with the same value has left it; the task has not ended for this event.",
        }),
      ),
      entry: Type.Integer(),
      attempt: Type.Integer(),
    }),
  ),
});

/** A part of what a stack does or waits for. */
export const StackPart = Type.Object({
  kind: Type.Union([
    Type.Literal("failed", { description: "A task of the present state." }),
    Type.Literal("left", { description: "What an earlier state has left behind." }),
    Type.Literal("runs", { description: "A task is at work." }),
    Type.Literal("waits", { description: "A task waits for something outside of the stack." }),
    Type.Literal("needs", { description: "Tasks wait for those named before." }),
    Type.Literal("events", { description: "These events lead out of the state." }),
    Type.Literal("parked", { description: "Events are parked, and retried." }),
    Type.Literal("held", { description: "The stack keeps its revision." }),
  ]),
  names: Type.Array(Type.String(), { description: "Its tasks or events. None: it is about the stack as a whole." }),
  does: Type.Optional(Type.String({ description: "What they do, such as `failed in DEPLOY`." })),
  since: Type.Optional(Instant),
  why: Type.Optional(Type.String({ description: "The reason or the progress, perhaps of several lines." })),
  next: Type.Optional(
    Type.Object({ does: Type.String(), at: Instant }, { description: "What happens then, such as `it can continue`." }),
  ),
});
export type StackPart = View<typeof StackPart>;

/** A stack with everything that explains its present state. */
export const StackDetails = Type.Object({
  ...stackProperties,
  summary: Type.String({ description: "One sentence: what the stack does or waits for." }),
  parts: Type.Array(StackPart, {
    description: "The same by parts, without commands, for pages that show names and instants in their own way.",
  }),
  pull: Type.Optional({ ...PreviewPull, description: "The pull request that the stack is a preview of." }),
  waitsFor,
  mainCondition,
  deeds: Type.Optional(
    Type.Array(ShownDeed, {
      description: "The work of the events that have set the present values, and of the last event; oldest first.",
    }),
  ),
  lastFailure: Type.Optional(
    Type.Object({
      ...LastFailure.properties,
      missed: Type.Optional({
        ...Reachable,
        description:
          "The states that the stack could have reached without an event from outside if the task had succeeded.",
      }),
    }),
  ),
  reachable: Type.Optional({
    ...Reachable,
    description:
      "What the stack can still become without an event from outside: by its tasks, timers and parked events. Absent where its machine is not known.",
  }),
  tasks: Type.Array(
    Type.Object({
      ...StackTask.properties,
      why: Type.String({ description: "One sentence: why the task is where it is." }),
      waitsFor,
      attempt: Type.Optional(Attempt),
    }),
  ),
  approvals: Type.Optional(
    Type.Array(Approval, {
      description: "Open approvals, in the order of the tasks. Missing without an open approval.",
    }),
  ),
  attempts: Type.Array(Attempt, {
    description: "Open ones, also of earlier entries, and the last settled ones; newest first.",
  }),
  parked: Type.Array(ParkedEvent, { description: "Oldest first." }),
  timers: Type.Array(
    Type.Object({
      id: Type.String(),
      event: Type.String(),
      dueAt: Instant,
      task: Type.Optional(Type.String()),
      refused: Type.Optional(
        Type.Object(
          { ...refusal, givenUpAt: Type.Optional(Instant) },
          {
            description:
              "Its event was refused: it is parked, or with `givenUpAt` a dead letter, and the timer does not fire by itself again.",
          },
        ),
      ),
      skipped: Type.Optional(
        Type.Object(
          { count: Type.Integer({ minimum: 1 }), ...refusal },
          { description: "Occurrences of a schedule that were refused in this entry, and why the last one was." },
        ),
      ),
    }),
  ),
});
export type StackDetails = View<typeof StackDetails>;
