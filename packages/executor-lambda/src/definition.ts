import type { ConfigReport, DocumentConfig, Executor } from "@stackyard/core";
import { type Static, Type } from "typebox";

const closed = { additionalProperties: false };

const AnyMap = Type.Record(Type.String(), Type.Unknown());

const Name = Type.String({ minLength: 1, description: "Function name or ARN." });

/** A text with an expression. */
const Template = Type.String({ pattern: "\\$\\{" });

/** The config's schemas for editors, in documents of either version. */
const lambdaDocumentSchemas = {
  v1: Type.Object({ name: Name, args: Type.Optional(AnyMap) }, closed),
  v2: Type.Object({ name: Name, args: Type.Optional(Type.Union([AnyMap, Template])) }, closed),
};

const timeout = Type.Optional(
  Type.String({
    pattern: "^[1-9][0-9]{0,5}(s|m)$",
    expected: "a duration such as 30s or 5m",
    description: "`30s`, at most `15m`. Default: `15m`",
  }),
);

const env = Type.Optional(
  Type.Record(Type.String(), Type.String(), {
    description: "Added to the part of the runner's environment that functions see",
  }),
);

/** A module that exports a Lambda handler: Node (`.ts`, `.js`, `.mjs`, `.cjs`, `.mts`, `.cts`) or Python. */
const ModuleFunction = Type.Object(
  {
    file: Type.String({ minLength: 1, maxLength: 1_024, description: "`./make-db.ts`, or `./make_db.py:main`" }),
    timeout,
    memoryMb: Type.Optional(
      Type.Integer({ minimum: 32, maximum: 10_240, description: "Heap of a Node function. Default: 512" }),
    ),
    env,
  },
  closed,
);

/** A program that reads the event from standard input and answers with JSON on standard output. */
const CommandFunction = Type.Object(
  { command: Type.Array(Type.String({ maxLength: 4_096 }), { minItems: 1, maxItems: 64 }), timeout, env },
  closed,
);

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
  closed,
);
export type LambdaConfig = Static<typeof LambdaConfig>;

/** The top-level scalars of an answer that is an object. */
export const LambdaOutputs = Type.Record(
  Type.String(),
  Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()]),
  { maxProperties: 64 },
);
export type LambdaOutputs = Static<typeof LambdaOutputs>;

/** The definition of the executor `lambda` for engine, validator and editor; imports no SDK. */
export const lambdaDefinition = {
  name: "lambda",
  config: LambdaConfig,
  outputs: LambdaOutputs,
  // Lambda limits the length of a call, so a runner with a time limit of its own can make it.
  resumable: true,
  cancelWithin: "1m",
  timeout: (): number => MAX_FUNCTION_MS + SLACK_MS,
  checkConfig: checkLambdaConfig,
  documentSchemas: lambdaDocumentSchemas,
} as const satisfies Omit<Executor, "start">;

/** Checks the config of a Lambda task in a machine. */
function checkLambdaConfig(config: DocumentConfig, report: ConfigReport): void {
  const known = Object.keys(LambdaConfig.properties);
  report.unknownKeys([], { known, code: "config-unknown-key", owner: "a lambda config" });
  const { name, args } = config;
  if (name === undefined) {
    report.error("lambda-name-required", ["name"], "A lambda task needs name: the function's name or ARN.");
  } else if (typeof name !== "string" || name === "") {
    const message = `The function's name must be a text that is not empty, but it is ${report.describe(["name"])}.`;
    report.error("lambda-name-not-string", ["name"], message);
  }
  if (args === undefined) return;
  if (typeof args === "object" && args !== null && !Array.isArray(args)) report.ambiguousScalars(["args"]);
  else report.error("lambda-args-not-map", ["args"], `args must be a map, but it is ${report.describe(["args"])}.`);
}

/** Options of the executor `lambda`. */
export const LambdaOptions = Type.Object(
  {
    functions: Type.Optional(
      Type.Record(Type.String(), Type.Union([Type.String({ minLength: 1 }), ModuleFunction, CommandFunction]), {
        description: "Local functions, by the name that tasks use. Default: none",
      }),
    ),
    mode: Type.Optional(
      Type.Union([Type.Literal("local"), Type.Literal("aws")], {
        description:
          "By default, a name in `functions` runs locally and every other name is called in AWS. `local` calls nothing in AWS; `aws` ignores `functions`",
      }),
    ),
  },
  closed,
);
export type LambdaOptions = Static<typeof LambdaOptions>;
