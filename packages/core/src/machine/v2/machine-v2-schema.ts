import { type TSchema, Type } from "typebox";
import type { ExecutorDefinition } from "../executor-definition.ts";
import { NAME, RESERVED_EVENTS } from "./read-events.ts";

/** Only the keys that are named. */
const closed = { additionalProperties: false };

/** A text that holds `${…}`. */
const Template = Type.String({ pattern: "\\$\\{" });

/** What metadata can hold. */
const Scalar = Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()]);

/** A key that may be true; it is false where it is left out. */
function Flag(description: string) {
  return Type.Optional(Type.Boolean({ description }));
}

/** A length of time with its unit. */
function Duration(description: string) {
  return Type.String({ pattern: "^[1-9][0-9]{0,8}(?:ms|s|m|h|d)$", description });
}

/** A text that is an expression as a whole. */
function Expression(description: string) {
  return Type.String({ minLength: 1, maxLength: 4096, description });
}

const EVENT = `^(?!(?:${RESERVED_EVENTS.join("|")})$)${NAME}$`;

const Filled = Type.String({ minLength: 1 });

const AnyMap = Type.Record(Type.String(), Type.Unknown());

const Backoff = Type.Object(
  {
    from: Type.Optional(Duration("Before the second attempt at most. Default: 1s.")),
    to: Type.Optional(Duration("Never longer. Default: 1m.")),
    factor: Type.Optional(Type.Number({ minimum: 1, description: "How much longer each time. Default: 2." })),
  },
  closed,
);

const Retry = Type.Object(
  {
    attempts: Type.Optional(Type.Integer({ minimum: 1, description: "In total, the first one included. Default: 1." })),
    backoff: Type.Optional(Backoff),
    only: Type.Optional(
      Type.Array(Filled, { minItems: 1, description: "Codes of failures that are retried. Default: all." }),
    ),
  },
  closed,
);

const COMMON = {
  target: Type.Optional(
    Type.String({ description: "A name of targets. Default: the runner's own account and region." }),
  ),
  needs: Type.Optional(
    Type.Array(Filled, {
      uniqueItems: true,
      maxItems: 100,
      description: "Tasks of the same state that must have succeeded before.",
    }),
  ),
  when: Type.Optional(Expression("If this CEL expression is false when the state is entered, the task is skipped.")),
  timeout: Type.Optional(Duration("For a whole attempt. Default: the executor's own, else 1h.")),
  retry: Type.Optional(Retry),
  outputs: Type.Optional(
    Type.Record(Type.String(), Filled, {
      description: "Metadata keys, each with the name of the output that it takes.",
    }),
  ),
  exclusive: Type.Optional(
    Expression("A CEL expression that gives a key: at most one live run with it in the whole yard. A text: \"'key'\"."),
  ),
};

/** A task of a version 2 machine; those of executors without schemas of their own may have any config. */
function createTaskV2Schema(executors: Iterable<ExecutorDefinition>): TSchema {
  const known = [...executors].flatMap(({ name, documentSchemas }) =>
    documentSchemas === undefined ? [] : [{ name, config: documentSchemas.v2 }],
  );
  if (known.length === 0) return Type.Object({ executor: Filled, config: Type.Optional(AnyMap), ...COMMON }, closed);
  const names = known.map(({ name }) => name).join("|");
  return Type.Union([
    ...known.map(({ name, config }) => Type.Object({ executor: Type.Literal(name), config, ...COMMON }, closed)),
    Type.Object(
      {
        // Which other executors exist, and what they accept, is known only in a yard.
        executor: Type.String({ minLength: 1, pattern: `^(?!(?:${names})$)` }),
        config: Type.Optional(AnyMap),
        ...COMMON,
      },
      closed,
    ),
  ]);
}

const Name = Type.String({ pattern: `^${NAME}$` });

const EventName = Type.String({ pattern: EVENT });

const Event = Type.Object(
  {
    description: Type.Optional(Type.String()),
    metadata: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), { description: "Metadata keys that must come with this event." }),
    ),
  },
  closed,
);

const Events = Type.Union(
  [
    Type.Array(EventName, { uniqueItems: true }),
    Type.Object({}, { patternProperties: { [EVENT]: Event }, additionalProperties: false }),
  ],
  { description: "Events that may come from outside." },
);

const MetadataRule = Type.Object(
  {
    type: Type.Optional(Type.Union([Type.Literal("string"), Type.Literal("number"), Type.Literal("boolean")])),
    required: Flag("Every stack must have a value from its creation on."),
    default: Type.Optional(Scalar),
    pattern: Type.Optional(
      Type.String({ description: "A regular expression, searched anywhere in the text: anchor it with ^ and $." }),
    ),
    enum: Type.Optional(Type.Array(Type.Union([Type.String(), Type.Number(), Type.Boolean()]), { minItems: 1 })),
    minimum: Type.Optional(Type.Number()),
    maximum: Type.Optional(Type.Number()),
    sensitive: Flag("The value is never shown, logged or written into messages."),
    immutable: Flag("A value, once set, cannot be changed."),
    description: Type.Optional(Type.String()),
  },
  closed,
);

const Target = Type.Object(
  {
    account: Type.Optional(Type.Union([Type.String({ pattern: "^[0-9]{12}$" }), Template])),
    region: Type.Optional(Type.String({ minLength: 1 })),
    role: Type.Optional(Type.String({ minLength: 1 })),
    externalId: Type.Optional(Type.String({ minLength: 1 })),
  },
  closed,
);

const SetMetadata = Type.Optional(
  Type.Record(Type.String(), Scalar, { description: "Metadata to set before the state is entered." }),
);

const When = Type.Optional(Expression("Taken only if this CEL expression is true."));

const Advance = Type.Object({ when: When, action: Type.Literal("advance"), state: Name, set: SetMetadata }, closed);

const NoOp = Type.Object({ when: When, action: Type.Literal("no-op"), set: SetMetadata }, closed);

const Reaction = Type.Union(
  [
    Type.String({ pattern: `^(?:no-op|${NAME})$`, description: "A state to enter, or no-op." }),
    Type.Array(Type.Union([Advance, NoOp]), {
      minItems: 1,
      description: "The first entry whose condition holds is taken, and only it.",
    }),
  ],
  { description: "What happens: a state to enter, no-op, or a list of entries." },
);

const After = Type.Object({ in: Duration("From the entry into the state."), event: EventName }, closed);

const State = Type.Object(
  {
    terminal: Flag("The stack is removed when the state's tasks have succeeded."),
    protected: Flag("An event that leads from here into a terminal state must confirm the stack's id."),
    tasks: Type.Optional(
      Type.Array(Type.String(), {
        uniqueItems: true,
        maxItems: 100,
        description: "Tasks to run when the state is entered; those with needs wait for them.",
      }),
    ),
    timeout: Type.Optional(Duration("From the entry; then TIMEOUT fires once.")),
    after: Type.Optional(
      Type.Array(After, { description: "Events to send when the stack has been in this state for so long." }),
    ),
    leaving: Type.Optional(
      Type.Union([Type.Literal("abandon"), Type.Literal("wait"), Type.Literal("cancel")], {
        description: "What becomes of tasks that still run when this state is entered. Default: wait.",
      }),
    ),
    on: Type.Optional(
      Type.Object(
        {},
        {
          patternProperties: { [`^${NAME}$`]: Reaction },
          additionalProperties: false,
          description: "Declared events, and NEXT (all tasks succeeded), FAILED (one failed for good), TIMEOUT.",
        },
      ),
    ),
  },
  closed,
);

/**
 * Returns machines of version 2 as JSON Schema, for editors, with the configs of these executors. It refuses nothing that
 * `parseMachine` accepts; names that must exist elsewhere in the document, expressions and executors without schemas for
 * documents are beyond a schema.
 */
export function createMachineV2Schema(executors: Iterable<ExecutorDefinition> = []): TSchema {
  return Type.Object(
    {
      version: Type.Literal(2),
      description: Type.Optional(Type.String()),
      events: Type.Optional(Events),
      metadata: Type.Optional(
        Type.Object(
          {},
          {
            patternProperties: { "^[\\s\\S]{1,255}$": MetadataRule },
            additionalProperties: false,
            description: "What stacks may hold.",
          },
        ),
      ),
      additionalMetadata: Type.Optional(
        Type.Boolean({ description: "False: only the keys of metadata are allowed. Default: true." }),
      ),
      targets: Type.Optional(
        Type.Record(Type.String(), Target, { description: "AWS accounts and regions that tasks work in." }),
      ),
      revision: Type.Optional(
        Type.Union([Type.Literal("pin"), Type.Literal("follow")], {
          description:
            "pin: a stack keeps the revision that it was created with. follow: it takes the newest valid one.",
        }),
      ),
      states: Type.Object(
        { INIT: State },
        {
          patternProperties: { [`^${NAME}$`]: State },
          additionalProperties: false,
          maxProperties: 500,
          description: "Every stack begins in INIT.",
        },
      ),
      tasks: Type.Optional(
        Type.Object(
          {},
          {
            patternProperties: { "[\\s\\S]": createTaskV2Schema(executors) },
            additionalProperties: false,
            maxProperties: 500,
          },
        ),
      ),
    },
    {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      title: "Stackyard machine, version 2",
      patternProperties: { "^x-": {} },
      additionalProperties: false,
    },
  );
}

/** As `createMachineV2Schema`, with any config for any executor. */
export const machineV2Schema = createMachineV2Schema();
