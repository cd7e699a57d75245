/**
 * A release that has passed every check, with its defaults filled in. Names and units are those of the document: lengths of time
 * in seconds. What the deployer finds out while it works is in `ReleaseState`.
 */
export interface Release {
  readonly aws_account_id: string;
  readonly aws_region: string;
  readonly release_id: string;
  readonly project_name: string;
  readonly config_name: string;
  readonly bucket: string;
  /** RFC 3339, as the document has it. */
  readonly created_at: string;
  readonly timeout: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly safe_release: boolean;
  readonly subnets: readonly string[];
  /** An id, or the value of a tag `Name`. */
  readonly ami: string;
  /** SHA-256 of the user data, hex. Of a seed document: of its `user_data`. */
  readonly user_data_sha256: string;
  /** Seed documents carry it themselves. */
  readonly user_data?: string;
  readonly lifecycle: Readonly<Record<string, LifecycleHook>>;
  readonly services: Readonly<Record<string, Service>>;
  readonly detach_strategy: DetachStrategy;
  /** Seconds between two looks at the health, by the time-out. */
  readonly wait_for_healthy: number;
  /** Healthy polls in a row before traffic moves. */
  readonly stable_polls: number;
  /** Leave a desired capacity that a policy has raised during the release. */
  readonly keep_scaled_capacity: boolean;
  readonly count_terminations: "snapshot" | "cumulative";
  /** Seconds that load balancers may take to let go of the old groups. */
  readonly drain_timeout: number;
  readonly drain_timeout_action: "delete" | "fail";
  /** Scale old groups to 0 and let their terminating hooks end before they are deleted, within `drain_timeout`. */
  readonly drain_hooks: boolean;
  /** Seconds for which the old groups are kept after success; 0: not at all. */
  readonly rollback_window: number;
  /** CloudWatch alarms that must not be in ALARM. */
  readonly alarms: readonly string[];
}

/** What becomes of the load balancers of old groups before these are deleted. */
export type DetachStrategy = "Detach" | "SkipDetach" | "SkipDetachCheck";

/** A group of servers that are alike: one Auto Scaling group. */
export interface Service {
  readonly service_name: string;
  readonly instance_type: string;
  /** More types that will do: a mixed-instances policy. */
  readonly instance_types: readonly string[];
  readonly on_demand_base_capacity?: number;
  readonly on_demand_percentage?: number;
  readonly capacity_rebalance?: boolean;
  /** Names, by their tag `Name`. */
  readonly security_groups: readonly string[];
  readonly elbs: readonly string[];
  readonly target_groups: readonly string[];
  readonly profile?: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly autoscaling: Autoscaling;
  readonly spot_price?: string;
  readonly ebs_volume_size?: number;
  readonly ebs_volume_type?: string;
  readonly ebs_device_name?: string;
  readonly ebs_iops?: number;
  /** MiB a second. */
  readonly ebs_throughput?: number;
  readonly ebs_encrypted?: boolean;
  readonly ebs_kms_key?: string;
  readonly ebs_delete_on_termination?: boolean;
  /** Further devices. */
  readonly volumes: readonly Volume[];
  readonly associate_public_ip_address?: boolean;
  /** Instance metadata by tokens only. Default: `required`. */
  readonly metadata_tokens: "required" | "optional";
  readonly metadata_hop_limit: number;
  readonly placement_group_name?: string;
  readonly placement_group_strategy?: PlacementStrategy;
  readonly placement_group_partition_count?: number;
  readonly placement_tenancy?: "default" | "dedicated";
  readonly termination_policies?: readonly string[];
  /** In place of the release's. */
  readonly ami?: string;
  readonly subnets?: readonly string[];
  readonly lifecycle?: Readonly<Record<string, LifecycleHook>>;
  /** Services whose groups are created before this one's. */
  readonly depends_on: readonly string[];
}

/** As EC2 names them. */
export type PlacementStrategy = "cluster" | "spread" | "partition";

/** A further block device. */
export interface Volume {
  readonly device: string;
  /** GiB. */
  readonly size: number;
  readonly type: string;
  readonly iops?: number;
  readonly throughput?: number;
  readonly encrypted?: boolean;
  readonly kms_key?: string;
  readonly delete_on_termination?: boolean;
}

/** How many servers, and how they come up. */
export interface Autoscaling {
  readonly min_size: number;
  readonly max_size: number;
  readonly spread: number;
  readonly max_terms: number;
  readonly default_cooldown?: number;
  readonly default_instance_warmup?: number;
  /** Seconds; never above the release's time-out. */
  readonly health_check_grace_period: number;
  readonly strategy: Strategy;
  /** Of gated strategies: capacities that must be healthy for `bake_time` before the next; the last is always all. */
  readonly steps: readonly RolloutStep[];
  /** Seconds that a step must have been healthy before the next one. */
  readonly bake_time: number;
  readonly policies: readonly ScalingPolicy[];
}

/** Instances, or a share of the target such as `"25%"`. */
export type RolloutStep = number | string;

/** The six of the predecessor are paced by polls; the gated ones wait for health at each step. */
export type Strategy =
  | "AllAtOnce"
  | "OneThenAllWithCanary"
  | "25PercentStepRolloutNoCanary"
  | "10PercentStepRolloutNoCanary"
  | "10AtATimeNoCanary"
  | "20AtATimeNoCanary"
  | "GatedCanary"
  | "GatedSteps";

/** How a group follows its load. */
export type ScalingPolicy = AlarmPolicy | TargetTrackingPolicy;

/** One alarm on the CPU and a change in capacity. */
export interface AlarmPolicy {
  readonly type: "cpu_scale_up" | "cpu_scale_down";
  readonly name?: string;
  readonly scaling_adjustment: number;
  /** Percent. */
  readonly threshold: number;
  readonly period: number;
  readonly evaluation_periods: number;
  readonly cooldown: number;
}

/** Holds a metric at a value. */
export interface TargetTrackingPolicy {
  readonly type: "target_tracking";
  readonly name?: string;
  readonly metric: "cpu" | "alb_requests_per_target" | "custom";
  readonly target_value: number;
  /** Of `alb_requests_per_target`: one of the service's target groups. */
  readonly target_group?: string;
  /** Of `custom`. */
  readonly custom_metric?: {
    readonly namespace: string;
    readonly name: string;
    readonly statistic: "Average" | "Minimum" | "Maximum" | "SampleCount" | "Sum";
    readonly dimensions: Readonly<Record<string, string>>;
  };
  readonly disable_scale_in?: boolean;
}

/** A lifecycle hook of a group. */
export interface LifecycleHook {
  readonly name: string;
  readonly transition: "autoscaling:EC2_INSTANCE_LAUNCHING" | "autoscaling:EC2_INSTANCE_TERMINATING";
  readonly role?: string;
  readonly sns?: string;
  readonly heartbeat_timeout?: number;
  readonly default_result?: "ABANDON" | "CONTINUE";
  /** Missing, like the next one, for hooks that only EventBridge receives. */
  readonly role_arn?: string;
  readonly notification_target_arn?: string;
}

/** A problem of a release document. */
export interface ReleaseProblem {
  /** The predecessor's class: cannot be decoded, or breaks a rule. */
  readonly class: "UnmarshalError" | "BadReleaseError";
  /** Kebab-case, begins with `release-`; never renamed. */
  readonly code: `release-${string}`;
  /** JSON pointer (RFC 6901) to the place, also of a member that is missing. */
  readonly pointer: string;
  /** What is wrong, where, and what to do. */
  readonly message: string;
}

/** A warning about a valid but discouraged setting. */
export type ReleaseWarning = Omit<ReleaseProblem, "class">;

/** A broken rule, before its message is prefixed with the release and service. */
export interface Fault {
  readonly code: ReleaseProblem["code"];
  readonly pointer: string;
  readonly message: string;
  /** Other members that the rule depends on. */
  readonly with?: readonly string[];
}

/** Returns the JSON pointer to a member. */
export function pointTo(pointer: string, ...keys: readonly (string | number)[]): string {
  return [pointer, ...keys.map((key) => String(key).replaceAll("~", "~0").replaceAll("/", "~1"))].join("/");
}

/** Formats a value for a message: as JSON, truncated to one line. */
export function quote(value: unknown): string {
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length <= 120 ? text : `${text.slice(0, 119)}…`;
}
