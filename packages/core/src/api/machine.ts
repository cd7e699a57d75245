import { Type } from "typebox";
import { LEAVING_MODES, METADATA_TYPES, REVISION_MODES } from "../machine/machine.ts";
import { SimulationStack } from "../simulation/stack-step.ts";
import { BulkPlan } from "./bulk.ts";
import { Instant, Outcome } from "./event.ts";
import { PlanDigest, PlannedEvent } from "./planned-event.ts";
import type { View } from "./view.ts";

/** One fault of a machine document. */
export const MachineProblem = Type.Object({
  severity: Type.Union([Type.Literal("error"), Type.Literal("warning")]),
  code: Type.String({ description: "Kebab-case." }),
  path: Type.String({ description: "Keys joined by dots." }),
  line: Type.Integer(),
  column: Type.Integer(),
  message: Type.String(),
});

const machineProperties = {
  name: Type.String(),
  status: Type.Union([
    Type.Literal("valid"),
    Type.Literal("stale", { description: "The newest document has errors; an older revision is in use." }),
    Type.Literal("invalid", { description: "No revision can be used." }),
  ]),
  hash: Type.Optional(Type.String({ description: "The revision in use." })),
  problems: Type.Array(MachineProblem),
};

/** A machine as a list shows it. */
export const MachineSummary = Type.Object({
  ...machineProperties,
  origin: Type.String({ description: "Where it was found." }),
});
export type MachineSummary = View<typeof MachineSummary>;

const Names = Type.Array(Type.String());

const After = Type.Object({
  event: Type.String(),
  inMs: Type.Optional(Type.Integer({ description: "So long after the entry." })),
  at: Type.Optional(Type.String({ description: "At this instant, as the document gives it." })),
  cron: Type.Optional(Type.String({ description: "At every instant of this schedule, until the state is left." })),
  zone: Type.Optional(Type.String({ description: "The time zone of `cron`." })),
});

const MachineState = Type.Object({
  name: Type.String(),
  terminal: Type.Boolean(),
  tasks: Names,
  on: Names,
  timeoutMs: Type.Optional(Type.Integer({ description: "From the entry until TIMEOUT fires." })),
  after: Type.Optional(
    Type.Array(After, { description: "Events that the stack gets by itself while it is in this state." }),
  ),
  leaving: Type.Optional(Type.Enum(LEAVING_MODES, { description: "What becomes of tasks that still run on entry." })),
  protected: Type.Optional(Type.Boolean()),
  approved: Type.Optional(
    Type.Array(Type.String(), { description: "Approvals of earlier states that what its tasks run must have." }),
  ),
});

const MachineTask = Type.Object({
  name: Type.String(),
  executor: Type.Optional(Type.String()),
  target: Type.Optional(Type.String()),
  needs: Type.Optional(Names),
});

const MetadataValue = Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()]);

/** The values that a metadata key may have. */
const MetadataKey = Type.Object({
  name: Type.String(),
  type: Type.Optional(Type.Enum(METADATA_TYPES)),
  required: Type.Optional(Type.Literal(true, { description: "The event that creates a stack must bring it." })),
  default: Type.Optional(MetadataValue),
  pattern: Type.Optional(Type.String({ description: "A regular expression that is searched in a text." })),
  enum: Type.Optional(Type.Array(MetadataValue)),
  minimum: Type.Optional(Type.Number()),
  maximum: Type.Optional(Type.Number()),
  sensitive: Type.Optional(Type.Literal(true)),
  immutable: Type.Optional(Type.Literal(true, { description: "Set once." })),
  readOnly: Type.Optional(Type.Literal(true, { description: "No event may bring it." })),
});

const MetadataRules = Type.Object({
  keys: Type.Array(MetadataKey, { description: "In the order of the document." }),
  additional: Type.Boolean({ description: "False: events may bring no other keys." }),
  requiredBy: Type.Record(Type.String(), Names, {
    description: "Keys that must come with an event, by event; an event that needs none is left out.",
  }),
});

/** A machine with its parts. Parts that only version 2 has are missing when a machine does not use them. */
export const MachineDetails = Type.Object({
  ...machineProperties,
  version: Type.Optional(Type.Integer({ description: "Of the document: 1 or 2." })),
  revision: Type.Optional(Type.Enum(REVISION_MODES)),
  events: Names,
  states: Type.Array(MachineState),
  tasks: Type.Array(MachineTask),
  metadata: Type.Optional(MetadataRules),
  source: Type.Optional(Type.String({ description: "The document's text." })),
});
export type MachineDetails = View<typeof MachineDetails>;

const revisionProperties = {
  machine: Type.String(),
  hash: Type.String(),
  firstSeenAt: Type.Optional(Instant),
  stacks: Type.Integer({ description: "Stacks that were last decided on it." }),
  current: Type.Boolean({ description: "New stacks use it." }),
};

/** A revision of a machine as a list shows it. */
export const RevisionSummary = Type.Object(revisionProperties, {
  description: "Without `firstSeenAt` no stack has used the revision yet, so it is not stored.",
});
export type RevisionSummary = View<typeof RevisionSummary>;

/** A revision with the text of its document. */
export const RevisionDetails = Type.Object({
  ...revisionProperties,
  source: Type.String({ description: "The document's text." }),
});
export type RevisionDetails = View<typeof RevisionDetails>;

const DecidedEvent = Type.Object({
  stackId: Type.String(),
  id: Type.String(),
  event: Type.String(),
  outcome: Type.Enum(["applied", "refused", "ignored", "removed"]),
  code: Type.Optional(Type.String()),
});

/** One step of a simulation. */
export const SimulationLine = Type.Object({
  step: Type.Integer(),
  outcome: Type.Enum(["applied", "refused", "ignored", "removed"]),
  code: Type.Optional(Type.String()),
  reason: Type.Optional(Type.String()),
  stack: Type.Unknown({ description: "The stack after the step; null when it does not exist." }),
  dispatched: Names,
  messages: Type.Array(Type.Unknown({ description: "Task messages." })),
  cancelled: Names,
  others: Type.Array(
    Type.Object({
      id: Type.String(),
      stack: Type.Unknown({ description: "Null when it was removed." }),
      dispatched: Names,
    }),
    { description: "Other stacks that the step has changed." },
  ),
  retried: Type.Optional(
    Type.Array(DecidedEvent, { description: "Parked events that the step has settled: applied, or dead-lettered." }),
  ),
  raised: Type.Optional(Type.Array(DecidedEvent, { description: "Events that reactions have raised in the step." })),
  fired: Type.Optional(
    Type.Array(
      Type.Object({
        at: Type.String({ description: "ISO 8601." }),
        stackId: Type.String(),
        timer: Type.Enum(["deadline", "cancel", "retry", "approval", "timeout", "after"]),
        event: Type.String(),
        task: Type.Optional(Type.String()),
        outcome: Type.Enum(["applied", "refused", "ignored", "removed"]),
        code: Type.Optional(Type.String()),
      }),
      { description: "Of `advance`: what time has made due, in order." },
    ),
  ),
  events: Type.Optional(
    Type.Array(PlannedEvent, { description: "Of a dry run of `upgrade`: what follows from it at once." }),
  ),
  differences: Type.Optional(
    Type.Array(Type.Unknown(), {
      description: "Of a dry run of `upgrade`: events that would have done something else.",
    }),
  ),
});
export type SimulationLine = View<typeof SimulationLine>;

/** All steps of a simulation. */
export const Simulation = Type.Object({ lines: Type.Array(SimulationLine) });
export type Simulation = View<typeof Simulation>;

/** A machine as a drawing. `start` and `end` are markers. */
export const MachineGraph = Type.Object({
  nodes: Type.Array(
    Type.Object({
      kind: Type.Enum(["start", "end", "state"]),
      id: Type.String(),
      terminal: Type.Optional(Type.Boolean()),
      tasks: Type.Optional(Names),
      reachable: Type.Optional(Type.Boolean()),
    }),
  ),
  edges: Type.Array(
    Type.Object({
      from: Type.String(),
      to: Type.String(),
      event: Type.Optional(Type.String()),
      when: Type.Optional(Type.String({ description: "The condition under which it is taken, or `else`." })),
      after: Type.Optional(Type.String({ description: "How long after the entry the event is sent automatically." })),
      passing: Type.Boolean(),
    }),
  ),
});
export type MachineGraph = View<typeof MachineGraph>;

/** The document of a machine as it was written. */
export const MachineSource = Type.Object({
  machine: Type.String(),
  source: Type.String(),
  hash: Type.String({ description: "SHA-256 of the text. It is not the hash of the revision." }),
  origin: Type.String({ description: "Where it was found." }),
  writable: Type.Boolean({
    description: "It can be replaced: a file of `stackyard dev` that is neither a link nor a module.",
  }),
  problems: Type.Array(MachineProblem, { description: "Of the newest document." }),
  plan: Type.Optional({
    ...BulkPlan,
    description:
      "Of a dry run: what an upgrade of all stacks to the new text would do. Those that follow it do it by themselves.",
  }),
});
export type MachineSource = View<typeof MachineSource>;

/** The effect of an event on a stack in its present state. */
export const Preview = Type.Object({
  outcome: Type.Enum(["applied", "removed", "refused", "ignored"]),
  code: Type.Optional(Type.String()),
  reason: Type.Optional(Type.String()),
  from: Type.Optional(Type.String()),
  to: Type.Optional(Type.String()),
  sent: Names,
  notes: Names,
  events: Type.Array(PlannedEvent, {
    description: "What follows from it at once: raised and parked events, and timers whose instant has passed.",
  }),
  digest: Type.Optional(PlanDigest),
});
export type Preview = View<typeof Preview>;

/** A stack as the first step of a simulation has it. */
export const StackSnapshot = Type.Object({ stack: SimulationStack });
export type StackSnapshot = View<typeof StackSnapshot>;

/** A stack as it was after a line of its history. */
export const StackAt = Type.Object({
  stackId: Type.String(),
  position: Type.Integer({ description: "That of the line: the last one up to the requested position." }),
  at: Instant,
  event: Type.String(),
  outcome: Outcome,
  state: Type.Union([Type.String(), Type.Null()], { description: "Null: the stack did not exist." }),
  stack: Type.Optional({
    ...SimulationStack,
    description: "Missing where it did not exist, or where the history does not say enough.",
  }),
  incomplete: Type.Optional(Type.String({ description: "Why the stack may have been otherwise, or is missing." })),
});
export type StackAt = View<typeof StackAt>;
