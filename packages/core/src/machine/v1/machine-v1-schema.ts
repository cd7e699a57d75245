import { Type } from "typebox";

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

const S3Source = Type.Object({ type: Type.Optional(Type.Literal("s3")), bucket: Filled, key: Filled }, closed);

const LocalSource = Type.Object({ type: Type.Optional(Type.Literal("local")), location: Filled }, closed);

const Source = Type.Union([S3Source, LocalSource, Type.Object({}, closed)]);

const TerraformConfig = Type.Object(
  {
    action: Type.Union([Type.Literal("apply"), Type.Literal("destroy")]),
    source: Type.Optional(Source),
    variables: Type.Optional(AnyMap),
  },
  closed,
);

const LambdaConfig = Type.Object(
  { name: Type.String({ minLength: 1, description: "Function name or ARN." }), args: Type.Optional(AnyMap) },
  closed,
);

const Task = Type.Union([
  Type.Object({ executor: Type.Literal("terraform"), config: Type.Optional(TerraformConfig) }, closed),
  Type.Object({ executor: Type.Literal("lambda"), config: Type.Optional(LambdaConfig) }, closed),
  Type.Object({ config: Type.Optional(Type.Union([TerraformConfig, LambdaConfig])) }, closed),
  Type.Object(
    {
      // Executors of plugins: which ones there are, and what they want, is known only in a yard.
      executor: Type.String({ minLength: 1, pattern: "^(?!(?:terraform|lambda)$)" }),
      config: Type.Optional(AnyMap),
    },
    closed,
  ),
]);

/**
 * Machines of version 1 as JSON Schema, for editors. It refuses nothing that `parseMachine` accepts; names that must exist
 * elsewhere in the document, duplicates and registered executors are beyond a schema.
 */
export const machineV1Schema = Type.Object(
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
