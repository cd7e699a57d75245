import { type Static, Type } from "typebox";

/**
 * Returns the JSON Schema of release documents, for editors. It accepts everything that `parseRelease` accepts, except
 * null for missing members and placement settings without a name. It does not check rules across members.
 */
export function toReleaseSchema(): Readonly<Record<string, unknown>> {
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Release",
    description: "A blue/green release on Auto Scaling groups.",
    ...ReleaseDocument,
  };
}

/**
 * Maximum number of scaling policies, lifecycle hooks, classic load balancers and target groups of a group; fixed
 * (Amazon EC2 Auto Scaling User Guide, quotas).
 */
const MAX_PER_GROUP = 50;

/** Maximum number of services: each has a group, created one after the other. */
export const MAX_SERVICES = 100;

/** Seconds: 48 hours. Step Functions keeps at most 25,000 events of an execution. */
export const MAX_TIMEOUT_SECONDS = 172_800;

/** Seconds that a hook may wait (Auto Scaling, PutLifecycleHook, `HeartbeatTimeout`). */
export const HEARTBEAT = { minimum: 30, maximum: 7200 } as const;

/** Ways to detach old groups from their load balancers. */
export const DETACH_STRATEGIES = ["Detach", "SkipDetach", "SkipDetachCheck"] as const;

/** The predecessor's strategies, which advance with checks. */
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

/** Metrics of target-tracking policies. */
const TRACKED_METRICS = ["cpu", "alb_requests_per_target", "custom"] as const;

/** Statistics of a custom metric (Auto Scaling, CustomizedMetricSpecification). */
const STATISTICS = ["Average", "Minimum", "Maximum", "SampleCount", "Sum"] as const;

/** Placement strategies of EC2. */
export const PLACEMENT_STRATEGIES = ["cluster", "spread", "partition"] as const;

/** Tenancies of a service. */
export const TENANCIES = ["default", "dedicated"] as const;

/** Termination policies (Auto Scaling User Guide, termination policies); the ARN of a function is also allowed. */
const TERMINATION_POLICIES = [
  "Default",
  "AllocationStrategy",
  "ClosestToNextInstanceHour",
  "NewestInstance",
  "OldestInstance",
  "OldestLaunchConfiguration",
  "OldestLaunchTemplate",
] as const;

/** Kinds of EBS volumes (EC2, EbsBlockDevice, `VolumeType`). */
const VOLUME_TYPES = ["gp3", "gp2", "io1", "io2", "st1", "sc1", "standard"] as const;

/** Lifecycle transitions (Auto Scaling, LifecycleHookSpecification). */
export const TRANSITIONS = ["autoscaling:EC2_INSTANCE_LAUNCHING", "autoscaling:EC2_INSTANCE_TERMINATING"] as const;

/** Results of a hook that is not completed in time (Auto Scaling, PutLifecycleHook, `DefaultResult`). */
const HOOK_RESULTS = ["ABANDON", "CONTINUE"] as const;

const Filled = Type.String({ minLength: 1 });

const Texts = Type.Array(Type.String());

const closed = { additionalProperties: false };

/** Fields written by deployers. Ignored. */
const written = { readOnly: true } as const;

const balancers = { uniqueItems: true, maxItems: MAX_PER_GROUP };

/** Release keys set by the deployer, accepted when clients send them back. */
export const RELEASE_SERVER_FIELDS = {
  uuid: Type.Optional(Type.String(written)),
  started_at: Type.Optional(Type.String({ ...written, format: "date-time" })),
  error: Type.Optional(
    Type.Object(
      { Error: Type.Optional(Type.String()), Cause: Type.Optional(Type.String()) },
      { ...written, ...closed },
    ),
  ),
  success: Type.Optional(Type.Boolean(written)),
  healthy: Type.Optional(Type.Boolean(written)),
  wait_for_healthy: Type.Optional(Type.Integer(written)),
  wait_for_detach: Type.Optional(Type.Integer(written)),
  Task: Type.Optional(Type.Unknown(written)),
} as const;

/** Service keys set by the deployer. */
export const SERVICE_SERVER_FIELDS = {
  service_name: Type.Optional(Type.String({ ...written, description: "Always the service's key." })),
  resources: Type.Optional(
    Type.Object(
      {
        image: Type.Optional(Type.String()),
        profile_arn: Type.Optional(Type.String()),
        prev_asg_arn: Type.Optional(Type.String()),
        security_groups: Type.Optional(Texts),
        elbs: Type.Optional(Texts),
        target_group_arns: Type.Optional(Texts),
        subnets: Type.Optional(Texts),
      },
      { ...written, ...closed },
    ),
  ),
  created_asg: Type.Optional(Type.String(written)),
  previous_desired_capacity: Type.Optional(Type.Integer(written)),
  healthy_report: Type.Optional(
    Type.Object(
      {
        target_healthy: Type.Optional(Type.Integer()),
        target_launched: Type.Optional(Type.Integer()),
        healthy: Type.Optional(Type.Integer()),
        launching: Type.Optional(Type.Integer()),
        terminating: Type.Optional(Type.Integer()),
        terminating_ids: Type.Optional(Texts),
        desired_capacity: Type.Optional(Type.Integer()),
        min_size: Type.Optional(Type.Integer()),
      },
      { ...written, ...closed },
    ),
  ),
  Healthy: Type.Optional(Type.Boolean(written)),
} as const;

const CustomMetric = Type.Object(
  {
    namespace: Type.String({ minLength: 1 }),
    name: Type.String({ minLength: 1 }),
    statistic: Type.Enum(STATISTICS),
    dimensions: Type.Optional(Type.Record(Type.String(), Type.String())),
  },
  closed,
);

/** A scaling policy: an alarm on CPU with a step, or target tracking. */
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

/** Capacity and rollout strategy of a service. */
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

/** A lifecycle hook. */
export const HookDocument = Type.Object(
  {
    transition: Type.Optional(Type.Enum(TRANSITIONS)),
    role: Type.Optional(Type.String({ description: "Name of the role that publishes to the topic." })),
    sns: Type.Optional(Type.String({ description: "Name of the topic in the same account and region." })),
    heartbeat_timeout: Type.Optional(Type.Integer({ ...HEARTBEAT, description: "Seconds. Default: that of AWS." })),
    role_arn: Type.Optional(Type.String({ description: "In place of that of `role`." })),
    notification_target_arn: Type.Optional(Type.String({ description: "In place of that of `sns`." })),
    event_bridge: Type.Optional(
      Type.Boolean({ description: "Told by EventBridge alone, without role and topic. Default false." }),
    ),
    default_result: Type.Optional(
      Type.Enum(HOOK_RESULTS, { description: "The result if the action is not completed in time. Default: ABANDON." }),
    ),
    name: Type.Optional(Type.String({ readOnly: true, description: "Always the hook's key." })),
  },
  closed,
);

/** Lifecycle hooks by name. */
const HooksDocument = Type.Record(Type.String(), HookDocument, { maxProperties: MAX_PER_GROUP });

/** An additional block device of a service. */
export const VolumeDocument = Type.Object(
  {
    device: Filled,
    size: Type.Integer({ minimum: 1, description: "GiB." }),
    type: Type.Optional(Type.Enum(VOLUME_TYPES, { description: "Default gp3." })),
    iops: Type.Optional(Type.Integer({ minimum: 1 })),
    throughput: Type.Optional(Type.Integer({ minimum: 1, description: "MiB a second. Of gp3." })),
    encrypted: Type.Optional(Type.Boolean()),
    kms_key: Type.Optional(Filled),
    delete_on_termination: Type.Optional(Type.Boolean()),
  },
  closed,
);

/** A service: a group of identical servers. */
export const ServiceDocument = Type.Object(
  {
    instance_type: Filled,
    instance_types: Type.Optional(
      Type.Array(Filled, { uniqueItems: true, maxItems: 39, description: "More types that will do." }),
    ),
    on_demand_base_capacity: Type.Optional(Type.Integer({ minimum: 0 })),
    on_demand_percentage: Type.Optional(Type.Integer({ minimum: 0, maximum: 100 })),
    capacity_rebalance: Type.Optional(Type.Boolean()),
    security_groups: Type.Array(Filled, {
      minItems: 1,
      uniqueItems: true,
      description: "Values of their tags `Name`.",
    }),
    elbs: Type.Optional(Type.Array(Filled, { ...balancers, description: "Names of classic load balancers." })),
    target_groups: Type.Optional(Type.Array(Filled, { ...balancers, description: "Names." })),
    profile: Type.Optional(Type.String({ description: "Name of an instance profile." })),
    tags: Type.Optional(Type.Record(Type.String({ minLength: 1 }), Type.String())),
    autoscaling: Type.Optional(AutoscalingDocument),
    spot_price: Type.Optional(Filled),
    ebs_volume_size: Type.Optional(Type.Integer({ minimum: 1, description: "GiB." })),
    ebs_volume_type: Type.Optional(
      Type.String({ minLength: 1, description: "Default gp3; of predecessors' presets gp2." }),
    ),
    ebs_device_name: Type.Optional(Type.String({ minLength: 1, description: "Default /dev/xvda." })),
    ebs_iops: Type.Optional(Type.Integer({ minimum: 1 })),
    ebs_throughput: Type.Optional(Type.Integer({ minimum: 1, description: "MiB a second." })),
    ebs_encrypted: Type.Optional(Type.Boolean()),
    ebs_kms_key: Type.Optional(Filled),
    ebs_delete_on_termination: Type.Optional(Type.Boolean()),
    volumes: Type.Optional(Type.Array(VolumeDocument, { maxItems: 20, description: "Further devices." })),
    associate_public_ip_address: Type.Optional(Type.Boolean()),
    metadata_tokens: Type.Optional(Type.Enum(["required", "optional"], { description: "Default required." })),
    metadata_hop_limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 64, description: "Default 1; 2 for containers." }),
    ),
    placement_group_name: Type.Optional(Filled),
    placement_group_strategy: Type.Optional(Type.Enum(PLACEMENT_STRATEGIES)),
    placement_group_partition_count: Type.Optional(Type.Integer({ minimum: 1, maximum: 7 })),
    placement_tenancy: Type.Optional(Type.Enum(TENANCIES)),
    termination_policies: Type.Optional(
      Type.Array(Type.String({ pattern: `^(?:${TERMINATION_POLICIES.join("|")}|arn:.+)$` }), {
        minItems: 1,
        uniqueItems: true,
        description: "Default: OldestLaunchTemplate, Default.",
      }),
    ),
    ami: Type.Optional(Type.String({ minLength: 1, description: "In place of the release's." })),
    subnets: Type.Optional(Type.Array(Filled, { minItems: 1, uniqueItems: true })),
    lifecycle: Type.Optional(HooksDocument),
    depends_on: Type.Optional(
      Type.Array(Filled, { uniqueItems: true, description: "Services whose groups are created before." }),
    ),
    ...SERVICE_SERVER_FIELDS,
  },
  closed,
);

/**
 * A release document. Optional keys have defaults; clients fill in `release_id`, `created_at` and the hash when they
 * deploy. Keys with `readOnly` belong to the deployer and are ignored.
 */
export const ReleaseDocument = Type.Object(
  {
    aws_account_id: Type.Optional(Type.String({ minLength: 1, description: "Default: the deployer's account." })),
    aws_region: Type.Optional(Type.String({ minLength: 1, description: "Default: the deployer's region." })),
    release_id: Filled,
    project_name: Type.String({
      minLength: 1,
      description: "Such as org/name. With config_name at most 43 characters.",
    }),
    config_name: Type.String({ minLength: 1, description: "Such as production." }),
    bucket: Type.Optional(Type.String({ minLength: 1, description: "Default: prefix and the deployer's account." })),
    created_at: Type.String({ format: "date-time", description: "RFC 3339." }),
    timeout: Type.Optional(
      Type.Integer({ minimum: 1, maximum: MAX_TIMEOUT_SECONDS, description: "Seconds. Default 600." }),
    ),
    metadata: Type.Optional(
      Type.Record(Type.String(), Type.String(), { description: "For your own use; never read." }),
    ),
    safe_release: Type.Optional(
      Type.Boolean({ description: "Refuse what differs from the release before in more than image and user data." }),
    ),
    subnets: Type.Optional(
      Type.Array(Filled, {
        minItems: 1,
        uniqueItems: true,
        description: "Ids, or values of their tags `Name`. Needed unless each service has its own.",
      }),
    ),
    ami: Type.String({ description: "An id, or the value of the image's tag `Name`." }),
    user_data_sha256: Type.String({ minLength: 1, description: "SHA-256 of the separately stored user data, in hex." }),
    lifecycle: Type.Optional(HooksDocument),
    services: Type.Record(Type.String(), ServiceDocument, { minProperties: 1, maxProperties: MAX_SERVICES }),
    detach_strategy: Type.Optional(Type.Enum(DETACH_STRATEGIES, { description: "Default Detach." })),
    stable_polls: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100, description: "Healthy looks in a row. Default 1." }),
    ),
    keep_scaled_capacity: Type.Optional(
      Type.Boolean({ description: "Keep instances that a policy has added since. Default false." }),
    ),
    count_terminations: Type.Optional(Type.Enum(["snapshot", "cumulative"], { description: "Default snapshot." })),
    drain_timeout: Type.Optional(Type.Integer({ minimum: 10, maximum: 3600, description: "Seconds. Default 600." })),
    drain_timeout_action: Type.Optional(Type.Enum(["delete", "fail"], { description: "Default delete." })),
    drain_hooks: Type.Optional(
      Type.Boolean({ description: "Let terminating hooks of old groups end before. Default false." }),
    ),
    rollback_window: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 2_592_000,
        description: "Seconds for which the old groups are kept after success. Default 0.",
      }),
    ),
    alarms: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 255 }), {
        uniqueItems: true,
        maxItems: 100,
        description: "CloudWatch alarms that must not be in ALARM.",
      }),
    ),
    ...RELEASE_SERVER_FIELDS,
  },
  closed,
);
/** Type of a release document. */
export type ReleaseDocument = Static<typeof ReleaseDocument>;

const SeedPolicy = Type.Pick(PolicyDocument, [
  "type",
  "scaling_adjustment",
  "threshold",
  "period",
  "evaluation_periods",
  "cooldown",
]);

const SeedAutoscaling = Type.Object({
  ...Type.Pick(AutoscalingDocument, ["min_size", "max_size", "spread", "max_terms"]).properties,
  policies: Type.Optional(Type.Array(SeedPolicy, { maxItems: MAX_PER_GROUP })),
});

const SeedService = Type.Object({
  ...Type.Pick(ServiceDocument, [
    "instance_type",
    "security_groups",
    "elbs",
    "target_groups",
    "profile",
    "tags",
    "ebs_volume_size",
    "ebs_volume_type",
    "ebs_device_name",
  ]).properties,
  autoscaling: Type.Optional(SeedAutoscaling),
});

const SeedHook = Type.Omit(HookDocument, ["event_bridge", "default_result"]);

/** A release document of the first generation: it contains its user data, and may contain unknown keys. */
export const SeedDocument = Type.Object({
  ...Type.Pick(ReleaseDocument, [
    "aws_account_id",
    "aws_region",
    "release_id",
    "project_name",
    "config_name",
    "bucket",
    "created_at",
    "subnets",
    "ami",
  ]).properties,
  timeout: Type.Optional(Type.Integer({ minimum: 1 })),
  user_data: Type.String({ minLength: 1 }),
  lifecycle: Type.Optional(Type.Record(Type.String(), SeedHook, { maxProperties: MAX_PER_GROUP })),
  services: Type.Record(Type.String(), SeedService, { minProperties: 1, maxProperties: MAX_SERVICES }),
});
