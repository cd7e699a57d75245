import type { Executor } from "@stackyard/core";
import { type Static, Type } from "typebox";
import { checkLambdaConfig, lambdaDocumentSchemas } from "./check-config.ts";

/** Lambda ends every function after 15 minutes at the latest (Lambda quotas, "Function timeout": 900 seconds). */
const MAX_FUNCTION_MS = 15 * 60_000;

/** The way to Lambda and back, a cold start, and the answer's transfer. */
const SLACK_MS = 60_000;

/** Which function a task calls, and with what. */
export const LambdaConfig = Type.Object(
  {
    name: Type.String({
      minLength: 1,
      maxLength: 512,
      description: "Function name or ARN; an alias or version follows a colon: `make-db:live`",
    }),
    args: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), { description: "Passed to the function as `args`, any depth" }),
    ),
  },
  { additionalProperties: false },
);
export type LambdaConfig = Static<typeof LambdaConfig>;

/** The top-level scalars of an answer that is an object. */
export const LambdaOutputs = Type.Record(
  Type.String(),
  Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()]),
  { maxProperties: 64 },
);
export type LambdaOutputs = Static<typeof LambdaOutputs>;

/** What engine, validator and editor need to know of the executor `lambda`; imports no SDK. */
export const lambdaDefinition = {
  name: "lambda",
  config: LambdaConfig,
  outputs: LambdaOutputs,
  // One call is bounded by Lambda itself, so it needs no long-lived runner although it cannot be taken up again.
  resumable: true,
  cancelWithin: "1m",
  timeout: (): number => MAX_FUNCTION_MS + SLACK_MS,
  checkConfig: checkLambdaConfig,
  documentSchemas: lambdaDocumentSchemas,
} as const satisfies Omit<Executor, "start">;
