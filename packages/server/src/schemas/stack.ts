import { type Static, Type } from "typebox";
import { Attempt } from "./attempt.ts";
import { Instant } from "./common.ts";

/** The same values as in the machine's events: flat, types kept. */
export const Metadata = Type.Record(
  Type.String(),
  Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()]),
);

const TaskStatus = Type.Union([Type.Literal("PENDING"), Type.Literal("SATISFIED"), Type.Literal("ERROR")]);

const taskProperties = {
  name: Type.String(),
  status: TaskStatus,
  detail: Type.Optional(Type.String({ description: "More than the status says, such as QUEUED or SKIPPED." })),
  errorMessage: Type.Optional(Type.String({ description: "Only while the status is ERROR." })),
  errorCode: Type.Optional(Type.String({ description: "Of a failed task, where its worker gave a code." })),
};

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
  life: Type.String({ description: "The id of the event that created the stack." }),
  entry: Type.Integer({ description: "Counts the entries into states." }),
  version: Type.Integer({ description: "Grows with every change." }),
  stalled: Type.Optional(Type.Object({ code: Type.String(), reason: Type.String() })),
  failed: Type.Optional(Type.Boolean({ description: "No task runs any more, and one has failed." })),
};

/** A stack as a list shows it. */
export const StackSummary = Type.Object({ ...stackProperties, tasks: Type.Array(Type.Object(taskProperties)) });
export type StackSummary = Static<typeof StackSummary>;

/** An event that the stack refuses for the present; it is decided again by itself. */
export const ParkedEvent = Type.Object({
  eventId: Type.String(),
  event: Type.String(),
  actor: Type.Optional(Type.String()),
  code: Type.String(),
  reason: Type.String(),
  receivedAt: Instant,
  parkedAt: Instant,
  tries: Type.Integer(),
  nextTryAt: Instant,
});

/** A stack with everything that tells why it stands where it stands. */
export const StackDetails = Type.Object({
  ...stackProperties,
  summary: Type.String({ description: "One sentence: what the stack does or waits for." }),
  tasks: Type.Array(
    Type.Object({
      ...taskProperties,
      why: Type.String({ description: "One sentence: why the task is where it is." }),
      attempt: Type.Optional(Attempt),
    }),
  ),
  attempts: Type.Array(Attempt, {
    description: "Open ones, also of earlier entries, and the last settled ones; newest first.",
  }),
  parked: Type.Array(ParkedEvent, { description: "Oldest first." }),
  timers: Type.Array(Type.Object({ id: Type.String(), event: Type.String(), dueAt: Instant })),
});
export type StackDetails = Static<typeof StackDetails>;
