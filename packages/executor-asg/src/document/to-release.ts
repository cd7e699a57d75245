import { defined, toPartition } from "@stackyard/core";
import { hashUserData } from "../plan/user-data.ts";
import type { ReleaseConstants } from "../presets.ts";
import type { RawHook, RawPolicy, RawRelease, RawService, RawVolume } from "./decode.ts";
import type {
  Autoscaling,
  LifecycleHook,
  Release,
  RolloutStep,
  ScalingPolicy,
  Service,
  Strategy,
  Volume,
} from "./release.ts";
import { DEFAULT_DEVICE } from "./service-rules.ts";

type Generation = ReleaseConstants["generation"];
/** Constants that defaults depend on. */
type ReleaseDefaults = Pick<ReleaseConstants, "generation" | "volumeType">;

/** Default timeout in seconds. */
export const DEFAULT_TIMEOUT_SECONDS = 600;

/** Default drain timeout in seconds: as long as the predecessor tries. */
const DEFAULT_DRAIN_SECONDS = 600;

/** Health check grace period of the first generation, in seconds. */
const SEED_GRACE_SECONDS = 300;

/** Converts a document to a release with defaults. The document breaks no rule. */
export function toRelease(raw: RawRelease, { generation, volumeType }: ReleaseDefaults): Release {
  const { aws_account_id = "", aws_region = "", timeout = DEFAULT_TIMEOUT_SECONDS } = raw;
  const places = { account: aws_account_id, region: aws_region };
  const gracePeriod = generation === "odin" ? undefined : SEED_GRACE_SECONDS;
  const scope = { ...places, timeout, gracePeriod, volumeType };
  const services = Object.entries(raw.services ?? {}).map(([name, service]) => {
    return [name, toService(name, service ?? {}, scope)] as const;
  });
  return {
    aws_account_id,
    aws_region,
    release_id: raw.release_id ?? "",
    project_name: raw.project_name ?? "",
    config_name: raw.config_name ?? "",
    bucket: raw.bucket ?? "",
    created_at: raw.created_at ?? "",
    timeout,
    metadata: toTextMap(raw.metadata),
    safe_release: raw.safe_release ?? false,
    subnets: toItems(raw.subnets),
    ami: raw.ami ?? "",
    ...toUserData(raw),
    lifecycle: toHooks(raw.lifecycle ?? {}, places),
    services: Object.fromEntries(services),
    detach_strategy: (raw.detach_strategy ?? "Detach") as Release["detach_strategy"],
    wait_for_healthy: toPollSeconds(timeout, generation),
    ...toDecisions(raw),
  };
}

/**
 * Returns the seconds between two health checks: longer releases check less often, to limit the number of execution
 * events.
 */
export function toPollSeconds(timeout: number, generation: Generation): number {
  if (generation === "step-asg-deployer" || timeout < 1800) return 15;
  return timeout < 7200 ? 60 : 120;
}

function toUserData({ user_data, user_data_sha256 = "" }: RawRelease): Pick<Release, "user_data_sha256" | "user_data"> {
  return user_data === undefined ? { user_data_sha256 } : { user_data, user_data_sha256: hashUserData(user_data) };
}

// Without these keys a document behaves as with the predecessor.
function toDecisions(raw: RawRelease) {
  return {
    stable_polls: raw.stable_polls ?? 1,
    keep_scaled_capacity: raw.keep_scaled_capacity ?? false,
    count_terminations: raw.count_terminations === "cumulative" ? "cumulative" : "snapshot",
    drain_timeout: raw.drain_timeout ?? DEFAULT_DRAIN_SECONDS,
    drain_timeout_action: raw.drain_timeout_action === "fail" ? "fail" : "delete",
    drain_hooks: raw.drain_hooks ?? false,
    rollback_window: raw.rollback_window ?? 0,
    alarms: toItems(raw.alarms),
  } satisfies Partial<Release>;
}

/** Values that defaults of services depend on. */
interface ServiceScope extends HookScope {
  /** Seconds. */
  readonly timeout: number;
  /** Seconds. Undefined: the timeout, which is then also the limit. */
  readonly gracePeriod: number | undefined;
  readonly volumeType: string;
}

/** Converts a service, with defaults. The document breaks no rule. */
function toService(name: string, raw: RawService, scope: ServiceScope): Service {
  return defined({
    ...raw,
    ...(raw.ebs_volume_size === undefined ? {} : withDevice(raw, scope)),
    service_name: name,
    instance_type: raw.instance_type ?? "",
    instance_types: toItems(raw.instance_types),
    security_groups: toItems(raw.security_groups),
    elbs: toItems(raw.elbs),
    target_groups: toItems(raw.target_groups),
    tags: toTextMap(raw.tags),
    autoscaling: toAutoscaling(raw.autoscaling ?? {}, scope),
    volumes: toItems(raw.volumes).map(toVolume),
    metadata_tokens: raw.metadata_tokens ?? "required",
    metadata_hop_limit: raw.metadata_hop_limit ?? 1,
    lifecycle: raw.lifecycle && toHooks(raw.lifecycle, scope),
    depends_on: toItems(raw.depends_on),
  }) as Service;
}

/** Returns the texts of an optional map. */
function toTextMap(map: Readonly<Record<string, string | null>> | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(map ?? {}).map(([key, value]) => [key, value ?? ""]));
}

/** Returns the items of an optional list that are not null. */
function toItems<Item>(list: readonly (Item | null)[] = []): readonly Item[] {
  return list.flatMap((item) => (item === null ? [] : [item]));
}

function withDevice(raw: RawService, { volumeType }: ServiceScope): Partial<Service> {
  const { ebs_volume_type, ebs_device_name = DEFAULT_DEVICE, ebs_iops, ebs_throughput } = raw;
  // IOPS and throughput of a volume without a type require gp3.
  const otherwise = ebs_iops === undefined && ebs_throughput === undefined ? volumeType : "gp3";
  return { ebs_volume_type: ebs_volume_type ?? otherwise, ebs_device_name };
}

function toVolume({ device = "", size = 0, type = "gp3", ...rest }: RawVolume): Volume {
  return { device, size, type, ...defined(rest) };
}

function toAutoscaling(raw: NonNullable<RawService["autoscaling"]>, scope: ServiceScope): Autoscaling {
  const { timeout, gracePeriod = timeout } = scope;
  return {
    min_size: raw.min_size ?? 1,
    max_size: raw.max_size ?? 1,
    spread: raw.spread ?? 0,
    max_terms: raw.max_terms ?? 0,
    ...defined({ default_cooldown: raw.default_cooldown, default_instance_warmup: raw.default_instance_warmup }),
    health_check_grace_period:
      raw.health_check_grace_period === undefined ? gracePeriod : Math.min(raw.health_check_grace_period, timeout),
    strategy: (raw.strategy ?? "AllAtOnce") as Strategy,
    steps: toItems(raw.steps) as readonly RolloutStep[],
    bake_time: raw.bake_time ?? 0,
    policies: toItems(raw.policies).map(toPolicy),
  };
}

function toPolicy(raw: RawPolicy): ScalingPolicy {
  if (raw.type === "target_tracking") return toTracking(raw);
  const up = raw.type === "cpu_scale_up";
  return {
    type: up ? "cpu_scale_up" : "cpu_scale_down",
    ...defined({ name: raw.name }),
    scaling_adjustment: raw.scaling_adjustment ?? (up ? 1 : -1),
    threshold: raw.threshold ?? (up ? 50 : 20),
    period: raw.period ?? 300,
    evaluation_periods: raw.evaluation_periods ?? 2,
    cooldown: raw.cooldown ?? 60,
  };
}

function toTracking({ custom_metric, ...raw }: RawPolicy): ScalingPolicy {
  const dimensions = toTextMap(custom_metric?.dimensions);
  return defined({ ...raw, custom_metric: custom_metric && { ...custom_metric, dimensions } }) as ScalingPolicy;
}

type HookResult = NonNullable<LifecycleHook["default_result"]>;

/** Account and region of roles and topics. */
interface HookScope {
  readonly account: string;
  readonly region: string;
}

/** Converts hooks, with the ARNs of their roles and topics. The document breaks no rule. */
function toHooks(
  hooks: Readonly<Record<string, RawHook | null>>,
  scope: HookScope,
): Readonly<Record<string, LifecycleHook>> {
  return Object.fromEntries(Object.entries(hooks).map(([name, hook]) => [name, toHook(name, hook ?? {}, scope)]));
}

function toHook(name: string, raw: RawHook, { account, region }: HookScope): LifecycleHook {
  const partition = toPartition(region);
  return {
    name,
    transition: raw.transition as LifecycleHook["transition"],
    ...defined({
      role: raw.role,
      sns: raw.sns,
      heartbeat_timeout: raw.heartbeat_timeout,
      default_result: raw.default_result as HookResult | undefined,
    }),
    // EventBridge receives every hook; other targets need a role.
    ...(raw.event_bridge === true
      ? {}
      : {
          role_arn: raw.role_arn ?? `arn:${partition}:iam::${account}:role/${raw.role}`,
          notification_target_arn:
            raw.notification_target_arn ?? `arn:${partition}:sns:${region}:${account}:${raw.sns}`,
        }),
  };
}
