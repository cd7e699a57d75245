import { type TSchema, Type } from "typebox";
import type { ExecutorDefinition } from "../executor-definition.ts";

const Name = Type.String({ pattern: "^[A-Z0-9-]+$" });

const EventName = Type.String({ pattern: "^(?!NEXT$)[A-Z0-9-]+$" });

const Filled = Type.String({ minLength: 1 });

const closed = { additionalProperties: false };

const AnyMap = Type.Record(Type.String(), Type.Unknown());

const Advance = Type.Object({ action: Type.Literal("advance"), state: Name }, closed);

const NoOp = Type.Object({ action: Type.Literal("no-op") }, closed);

const Nothing = Type.Object({ state: Type.Optional(Name) }, closed);

const Action = Type.Union([Advance, NoOp, Nothing], { description: "What happens; several are done in order." });

const State = Type.Object(
  {
    terminal: Type.Optional(
      Type.Union([Type.Boolean(), Type.Literal("true"), Type.Literal("false")], {
        description: "The stack is removed when the state's tasks have succeeded.",
      }),
    ),
    tasks: Type.Optional(
      Type.Array(Type.String(), { description: "Names of tasks to run when the state is entered." }),
    ),
    on: Type.Optional(
      Type.Object(
        {},
        {
          patternProperties: { "^[A-Z0-9-]+$": Type.Array(Action) },
          additionalProperties: false,
          description: "Events that the state handles; NEXT comes when its tasks have succeeded.",
        },
      ),
    ),
  },
  closed,
);

/** Tasks; those of executors without schemas of their own may have any config. */
function toTask(executors: Iterable<ExecutorDefinition>): TSchema {
  const known = [...executors].flatMap(({ name, documentSchemas }) =>
    documentSchemas === undefined ? [] : [{ name, config: documentSchemas.v1 }],
  );
  if (known.length === 0)
    return Type.Object({ executor: Type.Optional(Filled), config: Type.Optional(AnyMap) }, closed);
  const names = known.map(({ name }) => name).join("|");
  return Type.Union([
    ...known.map(({ name, config }) =>
      Type.Object({ executor: Type.Literal(name), config: Type.Optional(config) }, closed),
    ),
    Type.Object({ config: Type.Optional(Type.Union(known.map(({ config }) => config))) }, closed),
    Type.Object(
      {
        // Which other executors exist, and what they accept, is known only in a yard.
        executor: Type.String({ minLength: 1, pattern: `^(?!(?:${names})$)` }),
        config: Type.Optional(AnyMap),
      },
      closed,
    ),
  ]);
}

/**
 * Returns machines of version 1 as JSON Schema, for editors, with the configs of these executors. It refuses nothing that
 * `parseMachine` accepts; names that must exist elsewhere in the document, duplicates and executors without schemas for
 * documents are beyond a schema.
 */
export function createMachineV1Schema(executors: Iterable<ExecutorDefinition> = []): TSchema {
  const Task = toTask(executors);
  return Type.Object(
    {
      version: Type.Union([Type.Literal(1), Type.Literal("1")]),
      events: Type.Array(EventName, { uniqueItems: true, description: "Events that may come from outside." }),
      states: Type.Object(
        { INIT: State },
        {
          patternProperties: { "^[A-Z0-9-]+$": State },
          additionalProperties: false,
          maxProperties: 500,
          description: "Every stack begins in INIT.",
        },
      ),
      tasks: Type.Object(
        {},
        { patternProperties: { "[\\s\\S]": Task }, additionalProperties: false, maxProperties: 500 },
      ),
    },
    {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      title: "Stackyard machine, version 1",
      patternProperties: { "^x-": {} },
      additionalProperties: false,
    },
  );
}

/** As `createMachineV1Schema`, with any config for any executor. */
export const machineV1Schema = createMachineV1Schema();
