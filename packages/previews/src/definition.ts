import type { Executor, NeededTask } from "@stackyard/core";
import { parseDuration } from "@stackyard/core/machine";
import { SecretReferenceSchema } from "@stackyard/core/services";
import { type Static, Type } from "typebox";
import { findQuotaFault } from "./find-quota-fault.ts";

const closed = { additionalProperties: false };

/** A preview may wait for a place, or be idle, for so long. */
const LONGEST_WAIT_MS = 400 * 86_400_000;

const Hold = Type.Object(
  {
    key: Type.String({
      pattern: "^[!-~]{1,128}$",
      expected: "1 to 128 printable characters without spaces",
      description: "What is limited, such as `team-shop`; one of the option `quotas` must fit it",
    }),
    weight: Type.Optional(
      Type.Number({ minimum: 0, maximum: 1e9, description: "How much of the capacity is used. Default: 1" }),
    ),
  },
  closed,
);

/** The quotas that a task claims, or that it releases everything. */
export const QuotaConfig = Type.Object(
  {
    holds: Type.Optional(Type.Array(Hold, { minItems: 1, maxItems: 10, description: "What the stack takes" })),
    onFull: Type.Optional(
      Type.Union([Type.Literal("wait"), Type.Literal("refuse"), Type.Literal("evict")], {
        description: "What the task does when a quota is full. Default: `wait`",
      }),
    ),
    evictEvent: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 128,
        description: "With `onFull: evict`: the event that the oldest holder is sent",
      }),
    ),
    release: Type.Optional(Type.Literal(true, { description: "Instead of `holds`: return what the stack holds" })),
  },
  closed,
);
export type QuotaConfig = Static<typeof QuotaConfig>;

/** The progress of a waiting task. */
export const QuotaProgress = Type.Object({ since: Type.Number() });

/** The definition of the executor `quota` for engine, validator and editor. */
export const quotaDefinition = {
  name: "quota",
  config: QuotaConfig,
  progress: QuotaProgress,
  resumable: true,
  watches: true,
  cancelWithin: "1m",
  timeout: (): number => LONGEST_WAIT_MS,
  checkTasks(configs, report) {
    for (const [task, config] of configs) {
      const fault = findQuotaFault(config);
      if (fault !== undefined) report.warn("quota-config", { task, path: [] }, `${fault} The task fails.`);
    }
  },
} as const satisfies Omit<Executor, "start">;

/** The time for which a deleted resource may still be in the results, in milliseconds. */
const DEFAULT_SETTLE_MS = 1_800_000;

/** AWS lists new resources late: the time between the two searches that must return nothing. */
const DEFAULT_SEARCH_MS = 60_000;

const toDuration = (description: string) =>
  Type.Optional(Type.String({ pattern: "^[1-9][0-9]{0,3}(s|m|h)$", expected: "a duration such as 30m", description }));

const REGION = "^[a-z]{2,5}(-[a-z]+){1,3}-[0-9]$";

/** Where a task searches for the remaining resources of its stack. */
export const LeakCheckConfig = Type.Object(
  {
    regions: Type.Optional(
      Type.Array(Type.String({ pattern: REGION, expected: "a region such as eu-west-1" }), {
        maxItems: 50,
        description:
          "Default: the target's region. The region of global services is added. An empty list: no search by tags",
      }),
    ),
    ignore: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 2_048 }), {
        maxItems: 100,
        description: "ARNs and addresses that may be left; a star fits any characters",
      }),
    ),
    searchEvery: toDuration("Time between two searches. Two in a row must find nothing. Default: `1m`"),
    settleFor: toDuration(
      "AWS lists deleted resources for a while: how long something must be listed to be left. Default: `30m`",
    ),
  },
  closed,
);
export type LeakCheckConfig = Static<typeof LeakCheckConfig>;

/** Since when all searches have returned nothing, or something. Epoch milliseconds. */
export const LeakCheckProgress = Type.Object({
  cleanAt: Type.Optional(Type.Number()),
  foundAt: Type.Optional(Type.Number()),
});
export type LeakCheckProgress = Static<typeof LeakCheckProgress>;

/** The number of regions that were searched. */
export const LeakCheckOutputs = Type.Object({ regions: Type.Integer() });
export type LeakCheckOutputs = Static<typeof LeakCheckOutputs>;

/** Deleted resources may reappear in lists, and a region may be unavailable for a while. */
const LEAK_CHECK_SLACK_MS = 3_600_000;

/** The definition of the executor `leak-check` for engine, validator and editor. */
export const leakCheckDefinition = {
  name: "leak-check",
  config: LeakCheckConfig,
  progress: LeakCheckProgress,
  outputs: LeakCheckOutputs,
  resumable: true,
  cancelWithin: "1m",
  timeout: (config: LeakCheckConfig): number => toSettleMs(config) + toSearchMs(config) + LEAK_CHECK_SLACK_MS,
  checkTasks(configs, report) {
    for (const task of configs.keys()) {
      if (report.listNeeds(task).some(removesResources)) continue;
      const message =
        "The check starts before the resources are removed. Add `needs` with the task that destroys them.";
      report.warn("leak-check-needs-destroy", { task, path: [] }, message);
    }
  },
} as const satisfies Omit<Executor, "start">;

/** Returns how long something must be listed, in milliseconds. */
export function toSettleMs({ settleFor = "" }: Pick<LeakCheckConfig, "settleFor">): number {
  return parseDuration(settleFor) ?? DEFAULT_SETTLE_MS;
}

/** Returns the time between two searches, in milliseconds. */
export function toSearchMs({ searchEvery = "" }: Pick<LeakCheckConfig, "searchEvery">): number {
  return parseDuration(searchEvery) ?? DEFAULT_SEARCH_MS;
}

/** Returns true if the task removes resources; other executors than `terraform` may. */
function removesResources({ executor, config }: NeededTask): boolean {
  return executor !== "terraform" || config?.["action"] === "destroy";
}

const Quiet = Type.Optional(
  Type.String({
    pattern: "^[1-9][0-9]{0,4}(s|m|h|d)$",
    expected: "a duration such as 30m",
    description: "How long nothing must happen, at most 14d. Default: `60m`",
  }),
);

/** The signs that a preview is in use. */
export const IdleConfig = Type.Union([
  Type.Object(
    {
      source: Type.Literal("cloudwatch", { description: "Requests to a target group of an Application Load Balancer" }),
      for: Quiet,
      targetGroup: Type.String({
        pattern:
          "^arn:[a-z-]+:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:targetgroup/[A-Za-z0-9-]{1,32}/[0-9a-f]{1,32}$",
        expected: "the ARN of a target group",
        description: "ARN of the target group, in the account of the task's target",
      }),
      loadBalancer: Type.Optional(
        Type.String({
          pattern:
            "^arn:[a-z-]+:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:loadbalancer/app/[A-Za-z0-9-]{1,32}/[0-9a-f]{1,32}$",
          expected: "the ARN of an Application Load Balancer",
          description: "ARN of its load balancer. Required if the targets are Lambda functions",
        }),
      ),
    },
    closed,
  ),
  Type.Object({ source: Type.Literal("events", { description: "Events `ACTIVE` of the stack" }), for: Quiet }, closed),
]);
export type IdleConfig = Static<typeof IdleConfig>;

/** The last known use of the preview; at first the start of the task. Epoch milliseconds. */
export const IdleProgress = Type.Object({ lastAt: Type.Number() });
export type IdleProgress = Static<typeof IdleProgress>;

const DEFAULT_QUIET_MS = 3_600_000;
/** CloudWatch, "GetMetricData": data points of a minute are stored for 15 days. */
const LONGEST_QUIET_MS = 14 * 86_400_000;

/** The definition of the executor `idle` for engine, validator and editor. */
export const idleDefinition = {
  name: "idle",
  config: IdleConfig,
  progress: IdleProgress,
  resumable: true,
  watches: true,
  cancelWithin: "1m",
  timeout: (): number => LONGEST_WAIT_MS,
  checkTasks(configs, report) {
    for (const [task, config] of configs) {
      if (typeof config["for"] !== "string" || toQuietMs({ for: config["for"] }) !== undefined) continue;
      report.warn("idle-config", { task, path: ["for"] }, "A preview is idle after 14d at most. The task fails.");
    }
  },
} as const satisfies Omit<Executor, "start">;

/** Returns the required idle time in milliseconds; undefined for more than 14 days. */
export function toQuietMs(config: Pick<IdleConfig, "for">): number | undefined {
  const ms = config.for === undefined ? DEFAULT_QUIET_MS : (parseDuration(config.for) ?? 0);
  return ms <= LONGEST_QUIET_MS ? ms : undefined;
}

const Role = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 2_048,
    description: "Name or ARN of the role to assume there. Default: the server's own credentials",
  }),
);

const Account = Type.Object(
  {
    account: Type.String({ pattern: "^[0-9]{12}$", expected: "an account of 12 digits" }),
    region: Type.String({
      pattern: REGION,
      expected: "a region such as eu-west-1",
      description: "The region of global services is added",
    }),
    role: Role,
  },
  closed,
);

/** The options of this plugin in a project. */
export const PreviewsOptions = Type.Object(
  {
    quotas: Type.Optional(
      Type.Record(Type.String({ minLength: 1, maxLength: 128 }), Type.Number({ minimum: 0, maximum: 1e12 }), {
        maxProperties: 1_000,
        description:
          "Capacities by key; a star fits any characters. An exact key counts first, then the first that fits.",
      }),
    ),
    accounts: Type.Optional(
      Type.Array(Account, {
        maxItems: 100,
        description: "Where servers search each hour for resources of stacks that are gone, by tags",
      }),
    ),
    costs: Type.Optional(
      Type.Object(
        {
          account: Type.String({
            pattern: "^[0-9]{12}$",
            expected: "an account of 12 digits",
            description: "The account whose Cost Explorer is read",
          }),
          role: Role,
          maxPages: Type.Optional(
            Type.Integer({ minimum: 1, maximum: 1_000, description: "A day. A page costs 0.01 USD. Default: 10" }),
          ),
        },
        closed,
      ),
    ),
    wake: Type.Optional(
      Type.Object(
        {
          keys: Type.Array(SecretReferenceSchema, {
            minItems: 1,
            maxItems: 10,
            description: "Links that are signed with one of these wake stacks",
          }),
        },
        closed,
      ),
    ),
  },
  closed,
);
export type PreviewsOptions = Static<typeof PreviewsOptions>;
