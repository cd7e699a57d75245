import type { Executor, Step } from "@stackyard/core";
import { DURATION_PATTERN, parseDuration } from "@stackyard/core/machine";
import { type Static, Type } from "typebox";
import { checkDeployConfig } from "./check-deploy-config.ts";
import { checkDeployTasks } from "./check-deploy-tasks.ts";

const closed = { additionalProperties: false };

const text = (maxLength: number, description: string) => Type.String({ minLength: 1, maxLength, description });
const names = (description: string) => Type.Array(text(255, description), { minItems: 1, maxItems: 50 });
const duration = (description: string) =>
  Type.String({ pattern: DURATION_PATTERN, expected: "a duration such as 30m", description });

/** Which stacks: one by its id, or those of a machine. */
const Stacks = Type.Union([
  text(255, "The id of one stack"),
  Type.Object(
    {
      machine: text(255, "Stacks of this machine"),
      where: Type.Optional(text(1_000, "CEL over `stack` and `metadata`. Default: all")),
      min: Type.Optional(
        Type.Integer({ minimum: 0, maximum: 10_000, description: "Fewer are a failure. Default: 1; at most 10,000" }),
      ),
    },
    closed,
  ),
]);

const Wave = Type.Object(
  {
    name: text(100, "Shown to people"),
    where: Type.Optional(text(1_000, "CEL over `stack` and `metadata`. Default: all that no wave before has")),
    share: Type.Optional(
      Type.String({
        pattern: "^([1-9][0-9]?|100)%$",
        expected: "a share such as 10%",
        description: "Of all stacks, the same at each release. Default: all",
      }),
    ),
    min: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 10_000, description: "Fewer stacks are a failure. Default: 1 with `where`" }),
    ),
    pause: Type.Optional(duration("Before the next wave. Default: none")),
  },
  closed,
);

const Failures = Type.Union(
  [
    Type.Integer({ minimum: 0, maximum: 10_000 }),
    Type.String({ pattern: "^([0-9]|[1-9][0-9]|100)%$", expected: "a number, or a share such as 2%" }),
  ],
  { description: "Failures that each wave allows: a number, or a share of its stacks, rounded down. Default: 0" },
);

/** Config of a task of the executor `deploy`. Which keys each `op` has: see `KEYS_OF`. */
export const DeployConfig = Type.Object(
  {
    op: Type.Optional(
      Type.Union([Type.Literal("send"), Type.Literal("plan"), Type.Literal("undo")], {
        description: "`plan` sends nothing; `undo` restores what `send` has replaced. Default: `send`",
      }),
    ),
    stacks: Type.Optional(Stacks),
    create: Type.Optional(
      text(255, "The machine of the stack, when it does not exist yet. Default: that is a failure"),
    ),
    event: Type.Optional(text(255, "The event that each stack gets. Of `undo`, default: that of the task")),
    metadata: Type.Optional(
      Type.Record(
        Type.String({ minLength: 1, maxLength: 255 }),
        Type.Union([Type.String({ maxLength: 2_000 }), Type.Number(), Type.Boolean(), Type.Null()]),
        { minProperties: 1, maxProperties: 16, description: "What the event brings: at least one key" },
      ),
    ),
    until: Type.Optional(names("A state in which a stack has arrived")),
    failed: Type.Optional(names("A state in which a stack has failed")),
    again: Type.Optional(Type.Boolean({ description: "Send to stacks that have the values already. Default: false" })),
    plan: Type.Optional(
      Type.Union([
        Type.Null(),
        Type.String({
          pattern: "^[0-9a-f]{64}$",
          expected: "the digest of a plan",
          description: "Send only what this plan says: the output `digest` of `op: plan`",
        }),
      ]),
    ),
    waves: Type.Optional(Type.Array(Wave, { minItems: 1, maxItems: 20 })),
    window: Type.Optional(text(255, "Send only while this calendar is open")),
    alarms: Type.Optional(Type.Array(text(2_048, "A CloudWatch alarm that must be OK"), { minItems: 1, maxItems: 50 })),
    skipFrozen: Type.Optional(Type.Boolean({ description: "Skip frozen stacks instead of waiting. Default: false" })),
    concurrency: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 500, description: "Stacks that are on their way. Default: 10" }),
    ),
    maxFailures: Type.Optional(Failures),
    each: Type.Optional(duration("How long a stack may take after its event, without its approvals. Default: `1h`")),
    of: Type.Optional(
      Type.Union([
        text(255, "`undo`: the task"),
        Type.Array(text(255, "`plan`: the tasks"), { minItems: 1, maxItems: 20 }),
      ]),
    ),
    show: Type.Optional(names("`plan`: a key of the metadata of each stack that is part of the plan")),
  },
  closed,
);
export type DeployConfig = Static<typeof DeployConfig>;

/** Each night of two months. */
export const MOST_ABSENCES = 64;

/** The progress of a suspended attempt: small, because the stacks are in its rows. */
export const DeployProgress = Type.Object(
  {
    /** `next` of the rows when the last call ended: a later one was written by a call that died. */
    next: Type.Integer(),
    /** Since when nothing has changed. */
    quietSince: Type.Integer(),
    /** When the stacks that wait were observed. */
    examinedAt: Type.Optional(Type.Integer()),
    /** When what holds them may open. */
    opensAt: Type.Optional(Type.Integer()),
    /** The last call. */
    lookedAt: Type.Optional(Type.Integer()),
    /** When no worker looked: that time counts for no stack. The newest ones. */
    absences: Type.Optional(
      Type.Array(Type.Object({ from: Type.Integer(), until: Type.Integer() }, closed), { maxItems: MOST_ABSENCES }),
    ),
  },
  closed,
);
export type DeployProgress = Static<typeof DeployProgress>;

const count = (description: string) => Type.Optional(Type.Integer({ description }));

export const DeployOutputs = Type.Object({
  stacks: count("Selected, or in the plan"),
  done: count("Arrived, or restored"),
  unchanged: count("Had the values already"),
  failed: count("Failed"),
  skipped: count("Left alone"),
  unseen: count("More that fit, and that the grant of the release's machine does not let it see. Missing: none"),
  digest: Type.Optional(Type.String({ description: "Of the plan: what an approval names" })),
  summary: Type.Optional(Type.String({ description: "Of the plan, in a sentence" })),
});
export type DeployOutputs = Static<typeof DeployOutputs>;

/** The result of a call of the executor. */
export type DeployStep = Step<DeployProgress, DeployOutputs>;

const DAY_MS = 86_400_000;

/** Stacks of one task. */
export const MOST_STACKS = 10_000;

/** A text with an expression. */
const Template = Type.String({ pattern: "\\$\\{" });

/** In documents, `metadata` and `plan` may have expressions. */
const DeployDocument = Type.Object(
  { ...DeployConfig.properties, plan: Type.Optional(Type.Union([DeployConfig.properties.plan, Template])) },
  closed,
);

/** The definition of the executor `deploy` for engine, validator and editor. */
export const deployDefinition = {
  name: "deploy",
  config: DeployConfig,
  progress: DeployProgress,
  outputs: DeployOutputs,
  resumable: true,
  sends: true,
  takesSecrets: false,
  cancelWithin: "10m",
  // A release waits for people, windows and soaks.
  timeout: (): number => 30 * DAY_MS,
  checkConfig: (config, report) => checkDeployConfig(DeployConfig, config, report),
  checkTasks: checkDeployTasks,
  documentSchemas: { v2: DeployDocument },
} as const satisfies Omit<Executor, "start">;

/** Returns a duration of the config in milliseconds. */
export function toMs(duration: string | undefined, defaultMs: number): number {
  return parseDuration(duration ?? "") ?? defaultMs;
}
