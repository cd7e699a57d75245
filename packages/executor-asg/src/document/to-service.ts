import type { RawPolicy, RawService, RawVolume } from "./raw-release.ts";
import type { Autoscaling, RolloutStep, ScalingPolicy, Service, Strategy, Volume } from "./release.ts";
import { DEFAULT_DEVICE } from "./rules/check-storage.ts";
import { type HookScope, toHooks } from "./to-hooks.ts";

/** What defaults of services come from. */
export interface ServiceScope extends HookScope {
  /** Seconds. */
  readonly timeout: number;
  /** Seconds; `undefined`: the time-out, which then is the limit, too. */
  readonly gracePeriod: number | undefined;
  readonly volumeType: string;
}

/** A service with its defaults, of a document that breaks no rule. */
export function toService(name: string, raw: RawService, scope: ServiceScope): Service {
  return dropAbsent({
    ...raw,
    ...(raw.ebs_volume_size === undefined ? {} : withDevice(raw, scope)),
    service_name: name,
    instance_type: raw.instance_type ?? "",
    instance_types: toTexts(raw.instance_types),
    security_groups: toTexts(raw.security_groups),
    elbs: toTexts(raw.elbs),
    target_groups: toTexts(raw.target_groups),
    tags: toTextMap(raw.tags),
    autoscaling: toAutoscaling(raw.autoscaling ?? {}, scope),
    volumes: toItems(raw.volumes).map(toVolume),
    metadata_tokens: raw.metadata_tokens ?? "required",
    metadata_hop_limit: raw.metadata_hop_limit ?? 1,
    lifecycle: raw.lifecycle && toHooks(raw.lifecycle, scope),
    depends_on: toTexts(raw.depends_on),
  }) as Service;
}

/** The texts of a list, which may be absent. */
export function toTexts(list: readonly (string | null)[] | undefined): readonly string[] {
  return toItems(list);
}

/** A map of texts, which may be absent. */
export function toTextMap(map: Readonly<Record<string, string | null>> | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(map ?? {}).map(([key, value]) => [key, value ?? ""]));
}

/** The same without members that are `undefined`. */
function dropAbsent(members: object): object {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

function toItems<Item>(list: readonly (Item | null)[] = []): readonly Item[] {
  return list.flatMap((item) => (item === null ? [] : [item]));
}

function withDevice(raw: RawService, { volumeType }: ServiceScope): Partial<Service> {
  const { ebs_volume_type, ebs_device_name = DEFAULT_DEVICE, ebs_iops, ebs_throughput } = raw;
  // What is chosen of a volume can be chosen of gp3 alone.
  const otherwise = ebs_iops === undefined && ebs_throughput === undefined ? volumeType : "gp3";
  return { ebs_volume_type: ebs_volume_type ?? otherwise, ebs_device_name };
}

function toVolume({ device = "", size = 0, type = "gp3", ...rest }: RawVolume): Volume {
  return { device, size, type, ...dropAbsent(rest) };
}

function toAutoscaling(raw: NonNullable<RawService["autoscaling"]>, scope: ServiceScope): Autoscaling {
  const { timeout, gracePeriod = timeout } = scope;
  return {
    min_size: raw.min_size ?? 1,
    max_size: raw.max_size ?? 1,
    spread: raw.spread ?? 0,
    max_terms: raw.max_terms ?? 0,
    ...(raw.default_cooldown === undefined ? {} : { default_cooldown: raw.default_cooldown }),
    ...(raw.default_instance_warmup === undefined ? {} : { default_instance_warmup: raw.default_instance_warmup }),
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
    ...(raw.name === undefined ? {} : { name: raw.name }),
    scaling_adjustment: raw.scaling_adjustment ?? (up ? 1 : -1),
    threshold: raw.threshold ?? (up ? 50 : 20),
    period: raw.period ?? 300,
    evaluation_periods: raw.evaluation_periods ?? 2,
    cooldown: raw.cooldown ?? 60,
  };
}

function toTracking({ custom_metric, ...raw }: RawPolicy): ScalingPolicy {
  const dimensions = toTextMap(custom_metric?.dimensions);
  return dropAbsent({ ...raw, custom_metric: custom_metric && { ...custom_metric, dimensions } }) as ScalingPolicy;
}
