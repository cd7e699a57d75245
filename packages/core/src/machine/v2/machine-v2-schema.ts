import { type Static, type TSchema, Type } from "typebox";
import { approvalDefinition } from "../approval.ts";
import {
  adviseBoolean,
  choice,
  closedMap,
  type Fault,
  must,
  namedMap,
  RULE,
  refuseChoice,
} from "../document/check-structure.ts";
import { MACHINE_LIMITS } from "../document/compile-context.ts";
import { type Field, findText, isListField, isMapField, isNull } from "../document/tree.ts";
import type { ExecutorDefinition } from "../executor-definition.ts";
import { ACCOUNT, LEAVING_MODES, METADATA_TYPES, REVISION_MODES } from "../machine.ts";
import {
  AfterPart,
  adviseTopLevel,
  Duration,
  EVENT,
  findEventFault,
  findEventNameFault,
  findMetadataKeyFault,
  findStateNameFault,
  findTargetValueFault,
  findTaskNameFault,
  NAME,
  statesOf,
  Text,
  toMachineOptions,
} from "./schema-parts.ts";

/** Returns the schema of a text, number, boolean or null, as in metadata. */
function Scalar(code: string, subject: string) {
  const misfit = must(code, "a text, number, boolean or null", { subject });
  return Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()], { [RULE]: { misfit } });
}

const Description = Type.Optional(Type.String({ [RULE]: { misfit: must("description-not-string", "a text") } }));

/** Returns the schema of a key that may be true or false. */
function Flag(description: string, code = "flag-not-boolean") {
  const misfit = must(code, "true or false", { advice: adviseBoolean });
  return Type.Optional(Type.Boolean({ description, [RULE]: { misfit } }));
}

/**
 * Returns the schema of a text that is an expression as a whole. Faults of the expression itself are reported when it
 * is compiled.
 */
function Expression(code: string, description: string) {
  const refuse = must(code, "a text with an expression", { advice: " Put it in quotes." });
  const check = (field: Field) => (findText(field) === undefined ? refuse(field) : undefined);
  return Type.Optional(Type.String({ minLength: 1, maxLength: 4096, description, [RULE]: { check } }));
}

/** Returns the schema of an entry of a list of non-empty texts. */
function Filled(code: string, subject: string, expected: string) {
  return Type.String({ minLength: 1, [RULE]: { misfit: must(code, expected, { subject }) } });
}

/** Any `config` of a task, in both versions. */
export const AnyConfig = Type.Record(Type.String(), Type.Unknown(), {
  [RULE]: { misfit: must("config-not-map", "a map") },
});

const Backoff = closedMap(
  {
    from: Duration("Before the second attempt at most. Default: 1s."),
    to: Duration("Never longer. Default: 1m."),
    factor: Type.Optional(
      Type.Number({
        minimum: 1,
        description: "How much longer each time. Default: 2.",
        [RULE]: { misfit: must("backoff-factor-invalid", "a number of at least 1") },
      }),
    ),
  },
  {
    misfit: must("backoff-not-map", "a map such as {from: 5s, to: 2m}"),
    closed: { code: "backoff-unknown-key", owner: "backoff" },
  },
);

/** The repetition of a task. */
const RetryPart = closedMap(
  {
    attempts: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: Number.MAX_SAFE_INTEGER,
        description: "In total, the first one included. Default: 1.",
        [RULE]: { misfit: must("retry-attempts-invalid", "a whole number from 1, the first attempt included") },
      }),
    ),
    backoff: Type.Optional(Backoff),
    only: Type.Optional(
      Type.Array(Filled("retry-only-invalid", "An entry of only", "the code of a failure, such as TASK_TIMEOUT"), {
        minItems: 1,
        description: "Codes of failures that are retried. Default: all.",
        [RULE]: { misfit: must("retry-only-invalid", "a list of codes of failures, such as [TASK_TIMEOUT]") },
      }),
    ),
  },
  {
    misfit: must("retry-not-map", "a map such as {attempts: 3}"),
    closed: { code: "retry-unknown-key", owner: "retry" },
  },
);

const Outputs = Type.Record(
  Type.String(),
  Type.String({
    minLength: 1,
    [RULE]: {
      misfit: must("output-name-not-string", "a text", {
        subject: "The name of an output",
        advice: " Write the metadata key before the colon.",
      }),
    },
  }),
  {
    description: "Metadata keys, each with the name of the output that it takes.",
    [RULE]: { misfit: must("outputs-not-map", "a map of metadata keys to names of outputs") },
  },
);

const COMMON = {
  target: Type.Optional(
    Type.String({
      description: "A name of targets. Default: the runner's own account and region.",
      [RULE]: { check: () => undefined },
    }),
  ),
  needs: Type.Optional(
    Type.Array(Filled("needs-not-list", "An entry of needs", "the name of a task"), {
      uniqueItems: true,
      maxItems: MACHINE_LIMITS.maxStateTasks,
      description: "Tasks of the same state that must have succeeded before.",
      [RULE]: { misfit: must("needs-not-list", "a list of names of tasks") },
    }),
  ),
  when: Expression(
    "when-not-string",
    "If this CEL expression is false when the state is entered, the task is skipped.",
  ),
  timeout: Duration("For a whole attempt. Default: the executor's own, else 1h."),
  retry: Type.Optional(RetryPart),
  outputs: Type.Optional(Outputs),
  allow: Expression(
    "allow-not-string",
    "A CEL expression about actor (id, kind, groups, machine): who may send the result of this task, in addition to its worker and those with the permission results. Default: nobody else.",
  ),
  exclusive: Expression(
    "exclusive-not-string",
    "A CEL expression that returns a key: at most one live run with it in the whole yard. A text: \"'key'\".",
  ),
};

/** The name of an executor. That it exists is checked later, with the nearest name. */
const Executor = Type.String({ minLength: 1, [RULE]: { check: () => undefined } });

/** The rule of a task, in both versions. */
export const TASK_RULE = {
  misfit: must("task-not-map", "a map with executor and config", { subject: "A task" }),
  closed: { code: "task-unknown-key", owner: "a task" },
};

/** A task with any config. */
export const TaskPart = closedMap({ executor: Executor, config: Type.Optional(AnyConfig), ...COMMON }, TASK_RULE);

/** Returns the schema of a task; tasks of executors without a schema may have any config. */
function createTaskSchema(executors: Iterable<ExecutorDefinition>): TSchema {
  const known = [...executors, approvalDefinition].flatMap(({ name, documentSchemas }) =>
    documentSchemas === undefined ? [] : [{ name, config: documentSchemas.v2 }],
  );
  if (known.length === 1) return TaskPart;
  // Other executors, and the configs that they accept, are known only in a yard.
  const other = Type.String({ minLength: 1, pattern: `^(?!(?:${known.map(({ name }) => name).join("|")})$)` });
  return Type.Union([
    ...known.map(({ name, config }) => closedMap({ executor: Type.Literal(name), config, ...COMMON }, TASK_RULE)),
    closedMap({ executor: other, config: Type.Optional(AnyConfig), ...COMMON }, TASK_RULE),
  ]);
}

/** A declared event. */
export const EventPart = closedMap(
  {
    description: Description,
    metadata: Type.Optional(
      Type.Array(Filled("event-metadata-not-list", "An entry of metadata", "a metadata key"), {
        description: "Metadata keys that must come with this event.",
        [RULE]: {
          misfit: must("event-metadata-not-list", "a list of the keys that come with it", {
            subject: "metadata of an event",
          }),
        },
      }),
    ),
    allow: Expression(
      "allow-not-string",
      "A CEL expression about actor (id, kind, groups, machine): who may send this event. Default: anyone whose role allows it.",
    ),
  },
  {
    misfit: must("event-not-map", "a map such as {metadata: [image]}", {
      subject: "An event",
      advice: " Without anything write {}.",
    }),
    closed: { code: "event-unknown-key", owner: "an event" },
  },
);

const Events = Type.Union(
  [
    Type.Array(Type.String({ pattern: EVENT, [RULE]: { check: findEventFault } }), { uniqueItems: true }),
    namedMap(EVENT, EventPart, { [RULE]: { name: findEventNameFault } }),
  ],
  {
    description: "Events that may come from outside.",
    [RULE]: {
      misfit: must("events-not-list", "a list of names or a map", { advice: " Without events leave it out." }),
    },
  },
);

const Bound = Type.Optional(Type.Number({ [RULE]: { misfit: must("constraint-not-applicable", "a number") } }));

const EnumValue = Type.Union([Type.String(), Type.Number(), Type.Boolean()], {
  [RULE]: { misfit: must("enum-invalid", "a text, number or boolean", { subject: "A value of enum" }) },
});

/** The rule of a metadata key. */
const MetadataRulePart = closedMap(
  {
    type: Type.Optional(choice("metadata-type-unknown", METADATA_TYPES)),
    required: Flag("Every stack must have a value from its creation on."),
    default: Type.Optional(Scalar("default-invalid", "default")),
    pattern: Type.Optional(
      Type.String({
        description: "A regular expression, searched anywhere in the text: anchor it with ^ and $.",
        [RULE]: { misfit: must("pattern-invalid", "a text, a regular expression") },
      }),
    ),
    enum: Type.Optional(
      Type.Array(EnumValue, {
        minItems: 1,
        [RULE]: { misfit: must("enum-invalid", "a list of the values that are allowed") },
      }),
    ),
    minimum: Bound,
    maximum: Bound,
    sensitive: Flag("The value is never shown, logged or written into messages."),
    immutable: Flag("A value, once set, cannot be changed."),
    readOnly: Flag("No event may bring a value: only outputs of tasks and set write it."),
    description: Description,
  },
  {
    misfit: must("metadata-not-map", "a map such as {type: string}", {
      subject: "The rule of a metadata key",
      advice: " Without rules write {}.",
    }),
    closed: { code: "metadata-unknown-key", owner: "a metadata key" },
  },
);

const TARGET_VALUE_RULE = { check: findTargetValueFault };

const TargetValue = Type.Optional(Type.String({ minLength: 1, [RULE]: TARGET_VALUE_RULE }));

/** An AWS account and region, and how to get there. */
export const TargetPart = closedMap(
  {
    account: Type.Optional(
      Type.Union([Type.String({ pattern: ACCOUNT }), Type.String({ pattern: "\\$\\{" })], {
        [RULE]: TARGET_VALUE_RULE,
      }),
    ),
    region: TargetValue,
    role: TargetValue,
    externalId: TargetValue,
  },
  {
    misfit: must("target-not-map", 'a map such as {account: "111122223333", region: eu-west-1}', {
      subject: "A target",
    }),
    closed: { code: "target-unknown-key", owner: "a target" },
  },
);

const SetMetadata = Type.Optional(
  Type.Record(Type.String(), Scalar("set-value-not-scalar", "Metadata is flat: a value of set"), {
    description: "Metadata to set before the state is entered.",
    [RULE]: { misfit: must("set-not-map", "a map of metadata keys to values") },
  }),
);

const When = Expression("when-not-string", "Taken only if this CEL expression is true.");

/** The rule of the `action` of an entry, in both versions. */
export const ACTION_MISFIT = refuseChoice("action-unknown", ["advance", "no-op"]);

const ACTION_RULE = {
  misfit: ACTION_MISFIT,
  missing: {
    code: "action-required",
    message: 'This entry has no action. Write "action: advance" or "action: no-op".',
  },
};

/**
 * The rule of the `state` of an entry, in both versions. Whether the state exists is checked later, with the nearest
 * name.
 */
export const STATE_NAME_RULE = {
  check: () => undefined,
  missing: { code: "advance-state-required", message: "advance needs state: the name of the state to enter." },
};

const RaiseEvent = Text("raise-event-undeclared", "the name of a declared event", {
  pattern: EVENT,
  description: "A declared event that is decided next, in the state that was entered.",
});

/** An entry of a reaction that leads to a state. */
export const AdvancePart = closedMap(
  {
    when: When,
    action: Type.Literal("advance", { [RULE]: ACTION_RULE }),
    state: Type.String({ pattern: `^${NAME}$`, [RULE]: STATE_NAME_RULE }),
    set: SetMetadata,
    raise: RaiseEvent,
  },
  { closed: { code: "action-unknown-key", owner: "an entry" } },
);

/** An entry of a reaction that stays in the state. */
export const NoOpPart = closedMap(
  { when: When, action: Type.Literal("no-op", { [RULE]: ACTION_RULE }), set: SetMetadata, raise: RaiseEvent },
  { closed: { code: "action-unknown-key", owner: "a no-op" } },
);

function findReactionFault(field: Field): Fault | undefined {
  if (isListField(field) && field.node.items.length === 0) {
    const message = 'This list is empty. To handle the event without doing anything write "no-op".';
    return { code: "handler-empty", message };
  }
  // Other scalars are taken for the name of a state.
  if (!isMapField(field) && !isNull(field)) return undefined;
  const advice = isMapField(field) ? ' Put "- " before it.' : ' To do nothing write "no-op".';
  const expected = "a state's name, no-op or a list of entries";
  return must("handler-not-list", expected, { subject: "A reaction", advice })(field);
}

const Reaction = Type.Union(
  [
    Type.String({ pattern: `^(?:no-op|${NAME})$`, description: "A state to enter, or no-op." }),
    Type.Array(
      Type.Union([AdvancePart, NoOpPart], {
        [RULE]: {
          misfit: must("action-not-map", "a map such as {action: advance, state: NAME}", { subject: "An entry" }),
        },
      }),
      { minItems: 1, description: "The first entry whose condition holds is taken, and only it." },
    ),
  ],
  {
    description: "What happens: a state to enter, no-op, or a list of entries.",
    [RULE]: { check: findReactionFault },
  },
);

/** The rules of `tasks` of a state, in both versions. */
export const STATE_TASKS_RULE = {
  misfit: must("state-tasks-not-list", "a list of names of tasks", { subject: "tasks of a state" }),
};

/** As `STATE_TASKS_RULE`, for one of them. */
export const STATE_TASK_RULE = {
  misfit: must("state-task-not-string", "the name of a task", { subject: "A task of a state" }),
};

/** As `STATE_TASKS_RULE`, for the state. */
export const STATE_MISFIT = must("state-not-map", "a map", {
  subject: "A state",
  advice: " A state without anything is {}.",
});

/** A state. */
export const StatePart = closedMap(
  {
    tasks: Type.Optional(
      Type.Array(Type.String({ [RULE]: STATE_TASK_RULE }), {
        uniqueItems: true,
        maxItems: MACHINE_LIMITS.maxStateTasks,
        description: "Tasks to run when the state is entered; those with needs wait for them.",
        [RULE]: STATE_TASKS_RULE,
      }),
    ),
    approved: Type.Optional(
      Type.Array(Filled("approved-not-list", "An entry of approved", "the name of an approval"), {
        description: "Approvals of earlier states: only what they have approved is done here.",
        [RULE]: { misfit: must("approved-not-list", "a list of names of approvals, such as [sign-off]") },
      }),
    ),
    terminal: Flag("The stack is removed when the state's tasks have succeeded.", "terminal-not-boolean"),
    timeout: Duration("From the entry; then TIMEOUT fires once."),
    after: Type.Optional(
      Type.Array(AfterPart, {
        description: "Events that the stack gets by itself while it is in this state.",
        [RULE]: { misfit: must("after-not-list", "a list such as [{in: 72h, event: NAME}]") },
      }),
    ),
    leaving: Type.Optional(
      choice(
        "leaving-unknown",
        LEAVING_MODES,
        "What becomes of tasks that still run when this state is entered. Default: wait.",
      ),
    ),
    on: Type.Optional(
      namedMap(`^${NAME}$`, Reaction, {
        description: "Declared events, and NEXT (all tasks succeeded), FAILED (one failed for good), TIMEOUT.",
        [RULE]: { misfit: must("on-not-map", "a map from events to reactions") },
      }),
    ),
    protected: Flag(
      "An event that leads from here into a terminal state must confirm the stack's id.",
      "protected-not-boolean",
    ),
  },
  { misfit: STATE_MISFIT, closed: { code: "state-unknown-key", owner: "a state" } },
);

/** The rule of `tasks` of a machine, in both versions. */
export const TASKS_MISFIT = must("tasks-not-map", "a map of tasks", { advice: " Without tasks write {}." });

function toMachineSchema<Task extends TSchema>(task: Task) {
  return Type.Object(
    {
      version: Type.Literal(2),
      description: Description,
      events: Type.Optional(Events),
      metadata: Type.Optional(
        namedMap("^[\\s\\S]{1,255}$", MetadataRulePart, {
          description: "What stacks may hold.",
          [RULE]: {
            name: findMetadataKeyFault,
            misfit: must("metadata-not-map", "a map of keys to rules", { advice: " Without rules leave it out." }),
          },
        }),
      ),
      additionalMetadata: Flag("False: only the keys of metadata are allowed. Default: true."),
      targets: Type.Optional(
        Type.Record(Type.String(), TargetPart, {
          description: "AWS accounts and regions that tasks work in.",
          [RULE]: { misfit: must("target-not-map", "a map of targets", { advice: " Without targets leave it out." }) },
        }),
      ),
      revision: Type.Optional(
        choice(
          "revision-unknown",
          REVISION_MODES,
          "pin: a stack keeps the revision that it was created with. follow: it takes the newest valid one.",
        ),
      ),
      states: statesOf(`^${NAME}$`, StatePart, findStateNameFault),
      tasks: Type.Optional(
        namedMap("[\\s\\S]", task, {
          maxProperties: MACHINE_LIMITS.maxTasks,
          [RULE]: { name: findTaskNameFault, misfit: TASKS_MISFIT },
        }),
      ),
    },
    toMachineOptions(2, adviseTopLevel),
  );
}

/** A machine whose tasks have any config. `defineMachine` adds the names. */
export type MachineV2Part = Static<ReturnType<typeof toMachineSchema<typeof TaskPart>>>;

/**
 * Returns machines of version 2 as JSON Schema, for editors, with the configs of these executors. It accepts everything
 * that `parseMachine` accepts; names that must exist elsewhere in the document, expressions and executors without
 * schemas for documents are beyond a schema.
 */
export function createMachineV2Schema(executors: Iterable<ExecutorDefinition> = []): TSchema {
  return toMachineSchema(createTaskSchema(executors));
}

/** As `createMachineV2Schema`, with any config for any executor. */
export const machineV2Schema = createMachineV2Schema();
