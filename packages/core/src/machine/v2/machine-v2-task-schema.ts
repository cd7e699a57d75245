import { Type } from "typebox";
import { closed, Duration, Expression, Template } from "./schema-pieces.ts";

const Filled = Type.String({ minLength: 1 });

const AnyMap = Type.Record(Type.String(), Type.Unknown());

const S3Source = Type.Object({ type: Type.Literal("s3"), bucket: Filled, key: Filled }, closed);

const LocalSource = Type.Object({ type: Type.Literal("local"), location: Filled }, closed);

// Its type is known only when it is resolved.
const OpenSource = Type.Object(
  {
    type: Template,
    bucket: Type.Optional(Filled),
    key: Type.Optional(Filled),
    location: Type.Optional(Filled),
  },
  closed,
);

const TerraformConfig = Type.Object(
  {
    action: Type.Union([Type.Literal("apply"), Type.Literal("destroy"), Template]),
    source: Type.Union([S3Source, LocalSource, OpenSource, Template]),
    variables: Type.Optional(Type.Union([AnyMap, Template])),
  },
  closed,
);

const LambdaConfig = Type.Object(
  {
    name: Type.String({ minLength: 1, description: "Function name or ARN." }),
    args: Type.Optional(Type.Union([AnyMap, Template])),
  },
  closed,
);

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

/** A task of a version 2 machine. */
export const machineV2TaskSchema = Type.Union([
  Type.Object({ executor: Type.Literal("terraform"), config: TerraformConfig, ...COMMON }, closed),
  Type.Object({ executor: Type.Literal("lambda"), config: LambdaConfig, ...COMMON }, closed),
  Type.Object(
    {
      // Executors of plugins: which ones there are, and what they want, is known only in a yard.
      executor: Type.String({ minLength: 1, pattern: "^(?!(?:terraform|lambda)$)" }),
      config: Type.Optional(AnyMap),
      ...COMMON,
    },
    closed,
  ),
]);
