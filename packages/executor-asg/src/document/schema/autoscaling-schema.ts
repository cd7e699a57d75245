import { Type } from "typebox";
import { MAX_PER_GROUP } from "./group-quotas.ts";

/** Strategies that are paced by polls, as documents of the predecessor know them. */
export const POLLED_STRATEGIES = [
  "AllAtOnce",
  "OneThenAllWithCanary",
  "25PercentStepRolloutNoCanary",
  "10PercentStepRolloutNoCanary",
  "10AtATimeNoCanary",
  "20AtATimeNoCanary",
] as const;

/** Strategies whose steps wait for health. */
export const GATED_STRATEGIES = ["GatedCanary", "GatedSteps"] as const;

/** Kinds of scaling policies. */
export const POLICY_TYPES = ["cpu_scale_up", "cpu_scale_down", "target_tracking"] as const;

/** What a target-tracking policy may follow. */
export const TRACKED_METRICS = ["cpu", "alb_requests_per_target", "custom"] as const;

/** Statistics of a custom metric (Auto Scaling, CustomizedMetricSpecification). */
export const STATISTICS = ["Average", "Minimum", "Maximum", "SampleCount", "Sum"] as const;

const closed = { additionalProperties: false };

const CustomMetric = Type.Object(
  {
    namespace: Type.String({ minLength: 1 }),
    name: Type.String({ minLength: 1 }),
    statistic: Type.Enum(STATISTICS),
    dimensions: Type.Optional(Type.Record(Type.String(), Type.String())),
  },
  closed,
);

/** A scaling policy of a document: an alarm on the CPU with its step, or a value to be held. */
export const PolicyDocument = Type.Object(
  {
    type: Type.Enum(POLICY_TYPES),
    name: Type.Optional(Type.String({ description: "Tells policies of one type apart." })),
    scaling_adjustment: Type.Optional(
      Type.Integer({ description: "Instances. Default: 1 for cpu_scale_up, -1 for cpu_scale_down." }),
    ),
    threshold: Type.Optional(
      Type.Number({ description: "Percent. Default: 50 for cpu_scale_up, 20 for cpu_scale_down." }),
    ),
    period: Type.Optional(Type.Integer({ minimum: 1, description: "Seconds: 10, 20, 30 or minutes. Default 300." })),
    evaluation_periods: Type.Optional(Type.Integer({ minimum: 1, description: "Default 2." })),
    cooldown: Type.Optional(Type.Integer({ minimum: 0, description: "Seconds. Default 60." })),
    metric: Type.Optional(Type.Enum(TRACKED_METRICS, { description: "Of target_tracking." })),
    target_value: Type.Optional(Type.Number({ exclusiveMinimum: 0, description: "Of target_tracking." })),
    target_group: Type.Optional(
      Type.String({ description: "Of alb_requests_per_target: one of the service's target_groups." }),
    ),
    custom_metric: Type.Optional(CustomMetric),
    disable_scale_in: Type.Optional(Type.Boolean({ description: "Of target_tracking. Default false." })),
  },
  closed,
);

/** How many servers a service has, and how they come up. */
export const AutoscalingDocument = Type.Object(
  {
    min_size: Type.Optional(Type.Integer({ minimum: 0, description: "Default 1." })),
    max_size: Type.Optional(Type.Integer({ minimum: 0, description: "Default 1. At least min_size." })),
    spread: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 1,
        description: "Share by which more may be launched and fewer need be healthy; whole percents. Default 0.",
      }),
    ),
    max_terms: Type.Optional(
      Type.Integer({ minimum: 0, description: "Instances that may end; one more halts the release. Default 0." }),
    ),
    default_cooldown: Type.Optional(Type.Integer({ minimum: 0, description: "Seconds. Default 300." })),
    default_instance_warmup: Type.Optional(
      Type.Integer({
        minimum: 0,
        description: "Seconds until the metrics of a new instance count. Default: that of AWS.",
      }),
    ),
    health_check_grace_period: Type.Optional(
      Type.Integer({ minimum: 0, description: "Seconds. Default: the release's timeout, which also is its limit." }),
    ),
    strategy: Type.Optional(Type.Enum([...POLLED_STRATEGIES, ...GATED_STRATEGIES])),
    steps: Type.Optional(
      Type.Array(Type.Union([Type.Integer({ minimum: 1 }), Type.String({ pattern: "^(?:[1-9][0-9]?|100)%$" })]), {
        minItems: 1,
        maxItems: 20,
        description: 'Of GatedSteps: numbers of instances, or shares such as "25%". All is always the last one.',
      }),
    ),
    bake_time: Type.Optional(
      Type.Integer({
        minimum: 0,
        description: "Seconds that each step of a gated strategy must have been healthy. Default 0.",
      }),
    ),
    policies: Type.Optional(Type.Array(PolicyDocument, { maxItems: MAX_PER_GROUP })),
  },
  closed,
);
