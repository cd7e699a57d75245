import { type Executor, MOST_UNWATCHED_MS } from "@stackyard/core";
import { DURATION_PATTERN, parseDuration } from "@stackyard/core/machine";
import { type Static, Type } from "typebox";
import { StoredRun } from "./stored-run.ts";

/** Time to stop tasks and read their logs, beyond the task's own time. */
const SLACK_MS = 2 * 60_000;

/** When `timeout` is left out. */
export const DEFAULT_TIMEOUT = "1h";

/** When `placementTimeout` is left out: a deployment would rather wait than fail. */
export const DEFAULT_PLACEMENT_TIMEOUT = "5m";

const text = (maxLength: number, description: string) => Type.String({ minLength: 1, maxLength, description });
const subnets = Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { minItems: 1, maxItems: 16 });
const securityGroups = Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { maxItems: 5 }));

const FlatNetwork = Type.Object(
  {
    subnets,
    securityGroups,
    assignPublicIp: Type.Optional(
      Type.Union([Type.Boolean(), Type.Literal("ENABLED"), Type.Literal("DISABLED")], {
        description: "Gives each task a public address; needs an internet gateway. Default: as ECS does",
      }),
    ),
  },
  { additionalProperties: false },
);

const AwsNetwork = Type.Object({ awsvpcConfiguration: FlatNetwork }, { additionalProperties: false });

const CapacityProvider = Type.Union([
  text(255, "Such as `FARGATE_SPOT`"),
  Type.Object(
    {
      capacityProvider: text(255, "Name"),
      weight: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000 })),
      base: Type.Optional(Type.Integer({ minimum: 0, maximum: 100_000 })),
    },
    { additionalProperties: false },
  ),
]);

/** Which tasks are run, where, for how long, and what counts as success. */
export const EcsConfig = Type.Object(
  {
    cluster: text(512, "Name or ARN of the cluster"),
    taskDefinition: text(512, "Family (its latest active revision), `family:revision` or ARN"),
    count: Type.Optional(Type.Integer({ minimum: 1, maximum: 10, description: "How many tasks. Default: 1" })),
    instances: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 512 }), {
        maxItems: 10,
        description: "Container instances, ids or ARNs: one task on each, instead of `count`",
      }),
    ),
    launchType: Type.Optional(
      Type.Union(
        [Type.Literal("EC2"), Type.Literal("FARGATE"), Type.Literal("EXTERNAL"), Type.Literal("MANAGED_INSTANCES")],
        {
          description: "Default: as the cluster is configured",
        },
      ),
    ),
    capacityProviders: Type.Optional(
      Type.Array(CapacityProvider, { minItems: 1, maxItems: 20, description: "Instead of `launchType`" }),
    ),
    network: Type.Optional(
      Type.Union([FlatNetwork, AwsNetwork], { description: "For task definitions with the network mode awsvpc" }),
    ),
    platformVersion: Type.Optional(text(32, "Of Fargate. Default: `LATEST`")),
    overrides: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), { description: "As RunTask takes them, at most 8,192 characters" }),
    ),
    environment: Type.Optional(
      Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()]), {
        maxProperties: 200,
        description: "Variables added to those of `container`",
      }),
    ),
    container: Type.Optional(text(255, "The container that `environment` and `exitCode` mean. Default: the only one")),
    timeout: Type.Optional(
      Type.String({
        pattern: DURATION_PATTERN,
        expected: "a duration such as 30m",
        description: "From the start, placement included; 10s to 7d. Default: `1h`",
      }),
    ),
    placementTimeout: Type.Optional(
      Type.String({
        pattern: `^0s$|${DURATION_PATTERN}`,
        expected: "a duration such as 30m, or 0s",
        description: "How long to try while the cluster has no capacity; `0s` fails at once. Default: `5m`",
      }),
    ),
    check: Type.Optional(
      Type.Union(
        [
          Type.Literal("essential"),
          Type.Literal("all"),
          Type.Array(Type.String({ minLength: 1, maxLength: 255 }), { minItems: 1, maxItems: 20 }),
        ],
        { description: "Containers whose exit codes count: `essential`, `all`, or names. Default: `essential`" },
      ),
    ),
    stopOnTimeout: Type.Optional(Type.Boolean({ description: "False: tasks run on after the timeout. Default: true" })),
    stopOnError: Type.Optional(
      Type.Boolean({ description: "True: tasks that may not be checked any more are stopped. Default: false" }),
    ),
    logs: Type.Optional(
      Type.Object(
        {
          tail: Type.Optional(Type.Integer({ minimum: 0, maximum: 50, description: "Lines. Default: 50" })),
          success: Type.Optional(
            text(255, "A text in these lines that proves the success of a task that ECS has forgotten. Default: none"),
          ),
        },
        { additionalProperties: false, description: "How much of the log's end a failure shows; 0 reads no log" },
      ),
    ),
  },
  { additionalProperties: false },
);
export type EcsConfig = Static<typeof EcsConfig>;

const instant = Type.Integer({ minimum: 0 });

/** The progress of a suspended attempt. Instants are epoch milliseconds. */
export const EcsProgress = Type.Object(
  {
    run: StoredRun,
    startedAt: instant,
    deadline: instant,
    /** No further try to start tasks begins after it. */
    placeUntil: instant,
    /** Why the last try found no capacity. */
    why: Type.Optional(Type.String()),
    clientToken: Type.String(),
    /** The revision that the first try resolved. */
    taskDefinition: Type.String(),
    /** The position in each log that was read, by task id and container. */
    logs: Type.Optional(Type.Record(Type.String(), Type.String())),
    lastLine: Type.Optional(Type.String()),
    /** The time limits are counted in it. */
    watched: Type.Optional(Type.Object({ lookedAt: instant, unwatchedMs: Type.Integer({ minimum: 0 }) })),
    /** Since when AWS refuses all calls. */
    refusedAt: Type.Optional(instant),
  },
  { additionalProperties: false },
);
export type EcsProgress = Static<typeof EcsProgress>;

/** `taskArns` (JSON text), `exitCode`, `exitCodes.<container>`, `startedAt`, `stoppedAt`, `duration` (seconds), `logsUrl`. */
export const EcsOutputs = Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()]), { maxProperties: 64 });
export type EcsOutputs = Static<typeof EcsOutputs>;

/** The definition of the executor `ecs` for engine, validator and editor; imports no SDK. */
export const ecsDefinition = {
  name: "ecs",
  config: EcsConfig,
  progress: EcsProgress,
  outputs: EcsOutputs,
  resumable: true,
  showsConfig: "ECS stores overrides in clear and shows them. Use secrets of the task definition.",
  cancelWithin: "5m",
  timeout: ({ timeout = DEFAULT_TIMEOUT }: EcsConfig): number =>
    (parseDuration(timeout) ?? 0) + SLACK_MS + MOST_UNWATCHED_MS,
} as const satisfies Pick<
  Executor,
  "name" | "config" | "progress" | "outputs" | "resumable" | "showsConfig" | "cancelWithin" | "timeout"
>;
