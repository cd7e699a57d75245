import type { Executor, Step } from "@stackyard/core";
import { DURATION_PATTERN } from "@stackyard/core/machine";
import { type Static, Type } from "typebox";
import { checkGateTasks } from "./check-gate-tasks.ts";

const closed = { additionalProperties: false };
const text = (maxLength: number, description: string) => Type.String({ minLength: 1, maxLength, description });

const Turn = Type.Object(
  {
    name: text(128, "Over the whole yard, such as `shop-prod`"),
    states: Type.Optional(
      Type.Array(text(255, "A state of this machine"), {
        minItems: 1,
        maxItems: 50,
        description:
          "The turn is kept while the stack is in one of them, failed or not. Default: the state of the task",
      }),
    ),
  },
  { ...closed, description: "Wait for the turn: one release at a time, the newest that waits" },
);

const Soak = Type.Object(
  {
    of: text(255, "A task `deploy` of this machine"),
    for: Type.String({
      pattern: DURATION_PATTERN,
      expected: "a duration such as 24h",
      description: "How long its stacks must have kept their values since they arrived, without a failure",
    }),
  },
  { ...closed, description: "Wait until stacks have proved themselves" },
);

/** Config of a task of the executor `gate`: it succeeds when all its conditions hold at once. */
export const GateConfig = Type.Object(
  {
    turn: Type.Optional(Turn),
    soak: Type.Optional(Soak),
    alarms: Type.Optional(
      Type.Array(text(2_048, "The name or ARN of a CloudWatch alarm of the task's target"), {
        minItems: 1,
        maxItems: 50,
        description:
          "Alarms that must be OK; missing data counts as closed. With `soak`, an alarm since the first event fails",
      }),
    ),
    artifacts: Type.Optional(
      Type.Record(text(256, "Name"), text(256, "Version"), {
        minProperties: 1,
        maxProperties: 20,
        description: "Versions of build artifacts, by name, that must have arrived wherever they are expected",
      }),
    ),
    consumers: Type.Optional(
      Type.Array(
        Type.String({
          pattern: "^[0-9]{12}/[a-z]{2}[a-z0-9-]{1,40}$",
          expected: "an account and region such as 111122223333/eu-west-1",
        }),
        { minItems: 1, maxItems: 500, description: "With `artifacts`: only these places count. Default: all" },
      ),
    ),
  },
  { ...closed, minProperties: 1, expected: "a map with turn, soak, alarms or artifacts" },
);
export type GateConfig = Static<typeof GateConfig>;

const instant = Type.Number();

/** The time of a soak, as its last look has left it. Instants are epoch milliseconds. */
const SoakTime = Type.Object(
  {
    /** Since when the stacks soak. */
    since: instant,
    lookedAt: instant,
    /** The time since then in which no worker looked, which does not count. */
    unwatchedMs: Type.Number(),
    /** When a look has seen a stack in trouble last: no time counts from before. */
    troubledAt: Type.Optional(instant),
  },
  closed,
);
export type SoakTime = Static<typeof SoakTime>;

/** The closed conditions, and the time of the soak. */
export const GateProgress = Type.Object(
  {
    soak: Type.Optional(SoakTime),
    closed: Type.Array(
      Type.Object({
        /** The key of the config. */
        condition: Type.String(),
        code: Type.String(),
        message: Type.String(),
        /** The next instant that is known, epoch milliseconds. */
        until: Type.Optional(Type.Integer()),
      }),
    ),
  },
  closed,
);
export type GateProgress = Static<typeof GateProgress>;

const GateOutputs = Type.Object({
  observed: Type.String({ description: "What was true when it opened, such as `24h, alarms OK`" }),
});

/** The result of a call of the executor. */
export type GateStep = Step<GateProgress, Static<typeof GateOutputs>>;

const DAY_MS = 86_400_000;

/** The definition of the executor `gate` for engine, validator and editor. */
export const gateDefinition = {
  name: "gate",
  config: GateConfig,
  progress: GateProgress,
  outputs: GateOutputs,
  resumable: true,
  takesSecrets: false,
  cancelWithin: "1m",
  // The default hour would end a soak.
  timeout: (): number => 30 * DAY_MS,
  checkTasks: checkGateTasks,
} as const satisfies Omit<Executor, "start">;
