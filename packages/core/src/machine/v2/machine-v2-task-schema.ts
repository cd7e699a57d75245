import { type TSchema, Type } from "typebox";
import type { ExecutorDefinition } from "../executor-definition.ts";
import { closed, Duration, Expression } from "./schema-pieces.ts";

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
export function createTaskV2Schema(executors: Iterable<ExecutorDefinition>): TSchema {
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
