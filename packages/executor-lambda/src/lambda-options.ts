import { type Static, Type } from "typebox";

const timeout = Type.Optional(
  Type.String({ pattern: "^[1-9][0-9]{0,5}(s|m)$", description: "`30s`, at most `15m`. Default: `15m`" }),
);
const env = Type.Optional(
  Type.Record(Type.String(), Type.String(), { description: "Added to the runner's environment" }),
);

/** A module that exports a handler as Lambda wants it: Node (`.ts`, `.js`, `.mjs`, `.cjs`, `.mts`, `.cts`) or Python. */
export const ModuleFunction = Type.Object(
  {
    file: Type.String({ minLength: 1, maxLength: 1_024, description: "`./make-db.ts`, or `./make_db.py:main`" }),
    timeout,
    memoryMb: Type.Optional(
      Type.Integer({ minimum: 32, maximum: 10_240, description: "Heap of a Node function. Default: 512" }),
    ),
    env,
  },
  { additionalProperties: false },
);

/** A program that reads the event from standard input and answers with JSON on standard output. */
export const CommandFunction = Type.Object(
  { command: Type.Array(Type.String({ maxLength: 4_096 }), { minItems: 1, maxItems: 64 }), timeout, env },
  { additionalProperties: false },
);

/** Options of the executor `lambda`. */
export const LambdaOptions = Type.Object(
  {
    functions: Type.Optional(
      Type.Record(Type.String(), Type.Union([Type.String({ minLength: 1 }), ModuleFunction, CommandFunction]), {
        description: "Functions served from this machine, by the name that tasks use",
      }),
    ),
    mode: Type.Optional(
      Type.Union([Type.Literal("local"), Type.Literal("aws")], {
        description: "`local`: nothing leaves the machine. `aws`: `functions` is not used. Default: by name",
      }),
    ),
  },
  { additionalProperties: false },
);
export type LambdaOptions = Static<typeof LambdaOptions>;
