import { defined } from "@stackyard/core";
import { MAX_GROUP_NAME, serviceId } from "../plan/names.ts";
import {
  parseInstant,
  type RawAutoscaling,
  type RawHook,
  type RawPolicy,
  type RawRelease,
  type RawService,
} from "./decode.ts";
import { type Fault, pointTo, quote } from "./release.ts";
import { checkPlacement, isSafe, type RuleContext } from "./release-rules.ts";
import { GATED_STRATEGIES, HEARTBEAT, POLICY_TYPES, POLLED_STRATEGIES, TENANCIES, TRANSITIONS } from "./schema.ts";

/** A service and its location. */
export interface ServicePlace {
  readonly release: RawRelease;
  readonly name: string;
  readonly service: RawService;
  readonly pointer: string;
}

/** Rules of a service, before the lifecycle hooks of the release. */
export function* checkService(place: ServicePlace, { generation }: RuleContext): Generator<Fault> {
  const { name, service, pointer } = place;
  const groupName = toGroupName(place.release, name, generation);
  const scope = { groupName, targetGroups: service.target_groups ?? [], named: generation === "odin" };
  const at = (key: string) => pointTo(pointer, key);
  yield* checkName(name, groupName, pointer);
  if (!service.instance_type) {
    const message = "instance_type must be defined, such as t3.small.";
    yield { code: "release-instance-type-missing", pointer: at("instance_type"), message };
  }
  yield* checkAutoscaling(service.autoscaling ?? {}, at("autoscaling"));
  yield* checkPolicies(service.autoscaling?.policies, scope, pointTo(pointer, "autoscaling", "policies"));
  if (!service.security_groups?.length) {
    const message = "security_groups must have at least one.";
    yield { code: "release-security-groups-missing", pointer: at("security_groups"), message };
  }
  yield* checkUnique(service.security_groups, at("security_groups"), "security-group", "Security groups");
  yield* checkUnique(service.elbs, at("elbs"), "elb", "ELBs");
  yield* checkUnique(service.target_groups, at("target_groups"), "target-group", "Target groups");
  yield* checkPlacement(service, pointer);
  yield* checkTenancy(service.placement_tenancy, at("placement_tenancy"));
}

/** Limits of AWS for the service's requests, and rules of keys that the predecessor lacks. */
export function* checkRequests({ service, pointer }: ServicePlace): Generator<Fault> {
  yield* checkTags(service.tags ?? {}, pointTo(pointer, "tags"));
  yield* checkTypes(service, pointer);
}

// Any letters: all names have the same length.
const DRAW = { at: 0, letters: "letters" };

function toGroupName(release: RawRelease, service: string, generation: RuleContext["generation"]): string | undefined {
  const { project_name = "", config_name = "", created_at = "" } = release;
  if (parseInstant(created_at) === undefined) return undefined;
  return serviceId({ project_name, config_name, created_at }, service, generation === "odin" ? undefined : DRAW);
}

function* checkName(name: string, groupName: string | undefined, pointer: string): Generator<Fault> {
  if (name === "") {
    yield { code: "release-service-name-missing", pointer, message: "ServiceName must be defined: the key is empty." };
  } else if (!isSafe(name)) {
    const message = `The name ${quote(name)} is part of paths, so it must not contain control characters, or a part that is empty, "." or "..".`;
    yield { code: "release-name-unsafe", pointer, message };
  }
  if (groupName !== undefined && groupName.length > MAX_GROUP_NAME) {
    const message = `The group's name ${quote(groupName)} has ${groupName.length} characters; the limit is ${MAX_GROUP_NAME}. Shorten the service's name.`;
    yield { code: "release-service-name-too-long", pointer, message };
  }
}

function* checkUnique(
  names: readonly (string | null)[] = [],
  pointer: string,
  code: "security-group" | "elb" | "target-group",
  what: string,
): Generator<Fault> {
  const before = new Set<string>();
  for (const [index, name] of names.entries()) {
    const place = pointTo(pointer, index);
    if (name === null) {
      yield { code: `release-${code}-null`, pointer: place, message: `${what} must be unique and not null.` };
    } else if (before.has(name)) {
      const message = `${what} must be unique: ${quote(name)} is listed twice.`;
      yield { code: `release-${code}-duplicate`, pointer: place, message };
    } else before.add(name);
  }
}

function* checkTenancy(tenancy: string | undefined, pointer: string): Generator<Fault> {
  if (tenancy === undefined || TENANCIES.some((known) => known === tenancy)) return;
  const message = `placement_tenancy is ${quote(tenancy)}; it must be ${TENANCIES.map(quote).join(" or ")}.`;
  yield { code: "release-tenancy-unknown", pointer, message };
}

// Each type is one override of the group, and must be unique.
function* checkTypes({ instance_type, instance_types }: RawService, pointer: string): Generator<Fault> {
  for (const [index, type] of (instance_types ?? []).entries()) {
    if (type === null || type !== instance_type) continue;
    const message = `${quote(type)} is already the instance_type. Remove it from instance_types.`;
    yield { code: "release-instance-type-twice", pointer: pointTo(pointer, "instance_types", index), message };
  }
}

const STRATEGIES: readonly string[] = [...POLLED_STRATEGIES, ...GATED_STRATEGIES];

/** Rules of capacities and strategies. Policies have their own. */
function* checkAutoscaling(raw: RawAutoscaling, pointer: string): Generator<Fault> {
  const { strategy = "AllAtOnce", min_size = 1, max_size = 1, spread = 0, max_terms = 0 } = raw;
  const at = (key: string) => pointTo(pointer, key);
  if (!STRATEGIES.includes(strategy)) {
    const message = `Autoscaling strategy is ${quote(strategy)}; it must be one of ${STRATEGIES.join(", ")}.`;
    yield { code: "release-strategy-unknown", pointer: at("strategy"), message };
  }
  if (min_size > max_size) {
    const given = raw.max_size === undefined ? ", the default" : "";
    const message = `Autoscaling min_size ${min_size} is greater than max_size ${max_size}${given}.`;
    yield { code: "release-min-above-max", pointer: at("min_size"), with: [at("max_size")], message };
  }
  if (spread < 0 || spread > 1) {
    const message = `Autoscaling spread is ${spread}; it must be between 0 and 1.`;
    yield { code: "release-spread-out-of-range", pointer: at("spread"), message };
  }
  for (const [key, size] of Object.entries({ min_size, max_size, max_terms })) {
    if (size >= 0) continue;
    const message = `Autoscaling ${key} is ${size}; it must be at least 0.`;
    yield { code: "release-size-negative", pointer: at(key), message };
  }
  yield* checkGates(raw, strategy, pointer);
}

function* checkGates(raw: RawAutoscaling, strategy: string, pointer: string): Generator<Fault> {
  const [steps, bake] = [pointTo(pointer, "steps"), pointTo(pointer, "bake_time")];
  const strategyAt = [pointTo(pointer, "strategy")];
  if (raw.steps !== undefined && strategy !== "GatedSteps") {
    const message = `Autoscaling steps belong to the strategy GatedSteps, not to ${quote(strategy)}.`;
    yield { code: "release-steps-not-gated", pointer: steps, with: strategyAt, message };
  }
  if (raw.steps === undefined && strategy === "GatedSteps") {
    const message = 'The strategy GatedSteps needs steps, such as [1, "25%"].';
    yield { code: "release-steps-missing", pointer: steps, with: strategyAt, message };
  }
  if (raw.bake_time !== undefined && POLLED_STRATEGIES.some((polled) => polled === strategy)) {
    const message = `Autoscaling bake_time belongs to ${GATED_STRATEGIES.join(" and ")}, not to ${quote(strategy)}.`;
    yield { code: "release-bake-time-not-gated", pointer: bake, with: strategyAt, message };
  }
  const list = raw.steps ?? [];
  for (const [index, step] of list.entries()) {
    const before = list[index - 1];
    if (typeof step !== typeof before || toAmount(step) > toAmount(before)) continue;
    const message = `Step ${quote(step)} is not greater than the previous step ${quote(before)}.`;
    yield { code: "release-steps-not-rising", pointer: pointTo(steps, index), message };
  }
}

function toAmount(step: number | string | null | undefined): number {
  return typeof step === "string" ? Number.parseInt(step, 10) : (step ?? 0);
}

/** Values outside the policies that their rules use. */
interface PolicyScope {
  /** Name of the service's group, or undefined if it cannot be built. */
  readonly groupName: string | undefined;
  readonly targetGroups: readonly (string | null)[];
  /** The first generation does not support names, so a type may be repeated. */
  readonly named: boolean;
}

/** Rules of scaling policies. */
function* checkPolicies(policies: RawAutoscaling["policies"], scope: PolicyScope, pointer: string): Generator<Fault> {
  for (const [index, policy] of (policies ?? []).entries()) {
    const place = pointTo(pointer, index);
    if (policy === null) yield { code: "release-policy-null", pointer: place, message: `Policy ${index} is null.` };
    else yield* checkPolicy(policy, scope, place);
  }
  if (scope.named) yield* checkUniquePolicies(policies ?? [], pointer);
}

function* checkPolicy(policy: RawPolicy, scope: PolicyScope, pointer: string): Generator<Fault> {
  const at = pointTo(pointer, "type");
  const { type } = policy;
  if (type === undefined) yield { code: "release-policy-type-missing", pointer: at, message: "Policy without type." };
  else if (!POLICY_TYPES.some((known) => known === type)) {
    const message = `Policy type ${quote(type)} is not supported; it must be one of ${POLICY_TYPES.join(", ")}.`;
    yield { code: "release-policy-type-unknown", pointer: at, message };
  } else {
    yield* type === "target_tracking" ? checkTracking(policy, scope, pointer) : checkAlarm(policy, pointer);
    yield* checkForeign(policy, type, pointer);
    yield* checkPolicyName(policy, scope, pointer);
  }
}

function* checkAlarm({ type, scaling_adjustment, period = 300 }: RawPolicy, pointer: string): Generator<Fault> {
  const at = (key: string) => pointTo(pointer, key);
  if (period <= 0) {
    const message = `Policy ${type}: period is ${period} s; it must be at least 1 s.`;
    yield { code: "release-policy-period", pointer: at("period"), message };
  }
  const up = type === "cpu_scale_up";
  if (scaling_adjustment !== undefined && (up ? scaling_adjustment <= 0 : scaling_adjustment >= 0)) {
    const message = `Policy ${type}: scaling_adjustment is ${scaling_adjustment}; it must be ${up ? "above" : "below"} 0.`;
    yield { code: "release-policy-sign", pointer: at("scaling_adjustment"), with: [at("type")], message };
  }
}

function* checkTracking(policy: RawPolicy, { targetGroups }: PolicyScope, pointer: string): Generator<Fault> {
  const { metric, target_group, custom_metric } = policy;
  const metricAt = pointTo(pointer, "metric");
  const miss = (key: string, message: string): Fault => {
    return { code: "release-policy-incomplete", pointer: pointTo(pointer, key), with: [metricAt], message };
  };
  if (metric === undefined) yield miss("metric", "Policy target_tracking needs a metric.");
  if (policy.target_value === undefined) yield miss("target_value", "Policy target_tracking needs a target_value.");
  if (metric === "alb_requests_per_target" && target_group === undefined) {
    yield miss("target_group", "The metric alb_requests_per_target needs a target_group.");
  }
  if (target_group !== undefined && !targetGroups.includes(target_group)) {
    yield miss("target_group", `The target group ${quote(target_group)} is not one of the service's target_groups.`);
  }
  if (metric === "custom" && custom_metric === undefined) {
    yield miss("custom_metric", "The metric custom needs a custom_metric.");
  }
  if (target_group !== undefined && metric !== "alb_requests_per_target" && metric !== undefined) {
    yield miss("target_group", `The metric ${quote(metric)} has no target_group.`);
  }
  if (custom_metric !== undefined && metric !== "custom" && metric !== undefined) {
    yield miss("custom_metric", `The metric ${quote(metric)} has no custom_metric.`);
  }
}

const OF_ALARMS = ["scaling_adjustment", "threshold", "period", "evaluation_periods", "cooldown"] as const;

const OF_TRACKING = ["metric", "target_value", "target_group", "custom_metric", "disable_scale_in"] as const;

function* checkForeign(policy: RawPolicy, type: string, pointer: string): Generator<Fault> {
  for (const key of type === "target_tracking" ? OF_ALARMS : OF_TRACKING) {
    if (policy[key] === undefined) continue;
    const message = `Policy ${type} has no ${key}; remove it.`;
    yield {
      code: "release-policy-foreign-key",
      pointer: pointTo(pointer, key),
      with: [pointTo(pointer, "type")],
      message,
    };
  }
}

function* checkPolicyName(policy: RawPolicy, { groupName, named }: PolicyScope, pointer: string): Generator<Fault> {
  const length = (groupName ?? "").length + toSuffix(policy, named).length + 1;
  if (length <= MAX_GROUP_NAME) return;
  const message = `The policy's name and its group's have ${length} characters; the limit is ${MAX_GROUP_NAME}.`;
  yield { code: "release-policy-name-too-long", pointer: pointTo(pointer, "name"), message };
}

function* checkUniquePolicies(policies: readonly (RawPolicy | null)[], pointer: string): Generator<Fault> {
  const before = new Set<string>();
  for (const [index, policy] of policies.entries()) {
    if (policy?.type === undefined) continue;
    const name = toSuffix(policy, true);
    const isTwice = before.has(name);
    before.add(name);
    if (!isTwice) continue;
    const message = `Policy names must be unique: ${quote(name)} is used twice. Rename one of them.`;
    const place = pointTo(pointer, index);
    yield {
      code: "release-policy-duplicate",
      pointer: pointTo(place, "name"),
      with: [pointTo(place, "type")],
      message,
    };
  }
}

function toSuffix({ type, name }: RawPolicy, named: boolean): string {
  return named && name !== undefined ? `${type}-${name}` : `${type}`;
}

/** Settings of a device, with names independent of their location. */
interface Device {
  readonly type: string;
  readonly iops: number | undefined;
  readonly throughput: number | undefined;
  readonly encrypted: boolean | undefined;
  readonly key: string | undefined;
}

/** Volume types with configurable IOPS, and those that require them (EC2, EbsBlockDevice, `Iops`). */
const WITH_IOPS = ["gp3", "io1", "io2"];
const IOPS_NEEDED = ["io1", "io2"];

/** Rules of EBS volumes: settings allowed by the type, and no settings without a device. */
export function* checkStorage(service: RawService, pointer: string): Generator<Fault> {
  yield* checkFirst(service, pointer);
  for (const [index, volume] of (service.volumes ?? []).entries()) {
    if (volume === null) continue;
    const { type = "gp3", iops, throughput, encrypted, kms_key: key } = volume;
    const place = pointTo(pointer, "volumes", index);
    yield* checkDevice({ type, iops, throughput, encrypted, key }, (name) => pointTo(place, name));
    if (IOPS_NEEDED.includes(type) && iops === undefined) {
      yield {
        code: "release-ebs-iops-missing",
        pointer: pointTo(place, "iops"),
        message: `A volume of type ${type} needs iops.`,
      };
    }
  }
  yield* checkNames(service, pointer);
}

/** Settings that require a size. Type and device without a size have always been ignored, with a warning. */
const OF_THE_FIRST = [
  "ebs_iops",
  "ebs_throughput",
  "ebs_encrypted",
  "ebs_kms_key",
  "ebs_delete_on_termination",
] as const;

function* checkFirst(service: RawService, pointer: string): Generator<Fault> {
  const { ebs_volume_size: size, ebs_volume_type: type = "gp3", ebs_iops: iops, ebs_throughput: throughput } = service;
  const at = (key: string) => pointTo(pointer, key);
  if (size !== undefined) {
    if (size < 1) {
      const message = `ebs_volume_size is ${size}; it must be at least 1 GiB.`;
      yield { code: "release-ebs-size", pointer: at("ebs_volume_size"), message };
    }
    const device = { type, iops, throughput, encrypted: service.ebs_encrypted, key: service.ebs_kms_key };
    yield* checkDevice(device, (name) => at(`ebs_${name}`));
    return;
  }
  for (const key of OF_THE_FIRST.filter((one) => service[one] !== undefined)) {
    const message = `${key} has no effect without ebs_volume_size. Set the size, or remove it.`;
    yield { code: "release-ebs-without-size", pointer: at(key), with: [at("ebs_volume_size")], message };
  }
}

function* checkDevice(
  { type, iops, throughput, encrypted, key }: Device,
  at: (key: string) => string,
): Generator<Fault> {
  if (iops !== undefined && !WITH_IOPS.includes(type)) {
    const message = `The IOPS of a volume of type ${quote(type)} cannot be set, only those of ${WITH_IOPS.join(", ")}.`;
    yield { code: "release-ebs-iops-foreign", pointer: at("iops"), message };
  }
  if (throughput !== undefined && type !== "gp3") {
    const message = `The throughput of a volume of type ${quote(type)} cannot be set, only that of gp3.`;
    yield { code: "release-ebs-throughput-foreign", pointer: at("throughput"), message };
  }
  if (key !== undefined && encrypted !== true) {
    const message = "A key requires an encrypted volume. Set encrypted to true.";
    yield { code: "release-ebs-key-unused", pointer: at("kms_key"), with: [at("encrypted")], message };
  }
}

/** Default device of the root volume. */
export const DEFAULT_DEVICE = "/dev/xvda";

function* checkNames(service: RawService, pointer: string): Generator<Fault> {
  const first = service.ebs_volume_size === undefined ? [] : [service.ebs_device_name ?? DEFAULT_DEVICE];
  const taken = new Set<string>(first);
  for (const [index, volume] of (service.volumes ?? []).entries()) {
    const device = volume?.device;
    if (device !== undefined && taken.has(device)) {
      const message = `The device ${quote(device)} is used twice.`;
      yield { code: "release-ebs-device-twice", pointer: pointTo(pointer, "volumes", index, "device"), message };
    }
    if (device !== undefined) taken.add(device);
  }
}

/** Maximum length of a hook's name (Auto Scaling, PutLifecycleHook). */
const MAX_HOOK_NAME = 255;

/** Rules of lifecycle hooks. */
export function* checkHooks(
  hooks: Readonly<Record<string, RawHook | null>> | undefined,
  pointer: string,
): Generator<Fault> {
  for (const [name, hook] of Object.entries(hooks ?? {})) {
    const place = pointTo(pointer, name);
    if (hook === null) {
      yield { code: "release-hook-null", pointer: place, message: `Lifecycle hook ${quote(name)} is null.` };
    } else yield* checkHook(name, hook, place);
  }
}

function* checkHook(name: string, hook: RawHook, pointer: string): Generator<Fault> {
  const fault: MakeFault = (key, code, message, other) => {
    return defined({
      code,
      pointer: pointTo(pointer, key),
      message: `Lifecycle hook ${quote(name)}: ${message}`,
      with: other === undefined ? undefined : [pointTo(pointer, other)],
    });
  };
  if (name === "" || name.length > MAX_HOOK_NAME) {
    const message = `A lifecycle hook's name has 1 to ${MAX_HOOK_NAME} characters.`;
    yield { code: "release-hook-name", pointer, message };
  }
  const known = TRANSITIONS.map(quote).join(" or ");
  const { transition, heartbeat_timeout = HEARTBEAT.minimum } = hook;
  if (transition === undefined) {
    yield fault("transition", "release-hook-transition-missing", `transition must be given: ${known}.`);
  }
  yield* hook.event_bridge === true ? checkNoTopic(hook, fault) : checkTopic(hook, fault);
  if (transition !== undefined && !TRANSITIONS.some((one) => one === transition)) {
    const message = `transition must equal ${known}, not ${quote(transition)}.`;
    yield fault("transition", "release-hook-transition-unknown", message);
  }
  if (heartbeat_timeout < HEARTBEAT.minimum || heartbeat_timeout > HEARTBEAT.maximum) {
    const range = `${HEARTBEAT.minimum} to ${HEARTBEAT.maximum}`;
    const message = `heartbeat_timeout is ${heartbeat_timeout} s; ${range} are allowed.`;
    yield fault("heartbeat_timeout", "release-hook-heartbeat", message);
  }
}

type MakeFault = (key: string, code: Fault["code"], message: string, other?: string) => Fault;

function* checkTopic(hook: RawHook, fault: MakeFault): Generator<Fault> {
  if (!(hook.role_arn ?? hook.role)) {
    yield fault("role", "release-hook-role-missing", "role must be given, or role_arn.", "role_arn");
  }
  if (!(hook.notification_target_arn ?? hook.sns)) {
    const message = "sns must be given, or notification_target_arn.";
    yield fault("sns", "release-hook-topic-missing", message, "notification_target_arn");
  }
}

const OF_TOPICS = ["role", "role_arn", "sns", "notification_target_arn"] as const;

function* checkNoTopic(hook: RawHook, fault: MakeFault): Generator<Fault> {
  for (const key of OF_TOPICS.filter((one) => hook[one] !== undefined)) {
    const message = `${key} cannot be combined with event_bridge. Remove one of them.`;
    yield fault(key, "release-hook-topic-foreign", message, "event_bridge");
  }
}

/** Limits of the tags of an Auto Scaling group (Auto Scaling User Guide, tag restrictions). */
const LIMITS = { tags: 50, key: 128, value: 256 } as const;

/** Tags that every group gets. */
const RESERVED_TAGS = ["ProjectName", "ConfigName", "ServiceName", "ReleaseID", "ReleaseUUID", "Name"] as const;

/** Rules of a service's tags. */
function* checkTags(tags: Readonly<Record<string, string | null>>, pointer: string): Generator<Fault> {
  for (const [key, value] of Object.entries(tags)) {
    const place = pointTo(pointer, key);
    const length = value?.length ?? 0;
    const message = findKeyFault(key);
    if (message !== undefined) yield { code: "release-tag-key", pointer: place, message };
    if (length > LIMITS.value) {
      const tooLong = `The tag ${quote(key)} has ${length} characters; the limit is ${LIMITS.value}.`;
      yield { code: "release-tag-value", pointer: place, message: tooLong };
    }
  }
  const all = new Set([...Object.keys(tags), ...RESERVED_TAGS]).size;
  if (all > LIMITS.tags) {
    const message = `The group would have ${all} tags, ${RESERVED_TAGS.length} of them the deployer's; the limit is ${LIMITS.tags}.`;
    yield { code: "release-tags-too-many", pointer, message };
  }
}

function findKeyFault(key: string): string | undefined {
  if (key === "") return "A tag has no key.";
  if (key.length > LIMITS.key) {
    return `The tag's key ${quote(key)} has ${key.length} characters; the limit is ${LIMITS.key}.`;
  }
  if (/^aws:/i.test(key)) return `Tags that begin with "aws:" are reserved for AWS: ${quote(key)}.`;
  // These tags mark kept groups and their releases.
  if (key.startsWith("stackyard:"))
    return `Tags that begin with "stackyard:" are reserved for the deployer: ${quote(key)}.`;
  return undefined;
}
