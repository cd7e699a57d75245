import { randomUUID } from "node:crypto";
import { findVersion } from "../ec2/launch-templates.ts";
import { allows } from "../identities.ts";
import {
  findFlag,
  findNumber,
  findRecord,
  findText,
  isOwn,
  type NamedResource,
  placeOf,
  recordsOf,
  type SimCall,
  textOf,
  textsOf,
  toKey,
} from "../sim-call.ts";
import { SimFault } from "../sim-fault.ts";
import type { AutoScalingState } from "./auto-scaling-state.ts";
import { readHook } from "./change-hooks.ts";
import { mergeTags } from "./group-tags.ts";
import { enterService, launchInstance } from "./instances.ts";
import { resolveLaunch } from "./launch-configurations.ts";
import { type HookInput, toHookKey } from "./lifecycle-hooks.ts";
import {
  autoScalingFaults as faults,
  type GroupSettings,
  type LaunchSource,
  type SimGroup,
  type TemplateRef,
  type TrafficSourceRef,
  toCauseTime,
} from "./sim-group.ts";
import { checkSources, toRefs } from "./traffic-operations.ts";

/** "CreateAutoScalingGroup", AutoScalingGroupName: ASCII 33 to 126 without a colon, at most 255. */
const NAME = /^[\x21-\x39\x3b-\x7e]{1,255}$/;

/** Implements CreateAutoScalingGroup. The first instances are launched a little later. Source: API reference. */
export function createGroup(state: AutoScalingState, call: SimCall): unknown {
  const { input, now } = call;
  const key = { ...placeOf(call), name: textOf(input, "AutoScalingGroupName") };
  checkName(state, key, call);
  const settings = readSettings(state, call, NO_SETTINGS);
  if (settings.source === NO_SETTINGS.source) {
    throw faults.invalid(
      "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or MixedInstancesPolicy parameter.",
    );
  }
  checkPermissions(state, call, settings.source);
  if (settings.availabilityZones.length === 0) {
    throw faults.invalid("At least one Availability Zone or VPC Subnet is required.");
  }
  const refs = [
    ...toRefs(call, "classic", textsOf(input, "LoadBalancerNames")),
    ...toRefs(call, "targetGroup", textsOf(input, "TargetGroupARNs")),
  ];
  checkSources(state, refs);
  const hooks = recordsOf(input, "LifecycleHookSpecificationList").map((each) => readHook(key, each));
  const tags = mergeTags([], recordsOf(input, "Tags"));
  const group = toGroup(state, key, { settings, now });
  group.tags = tags;
  group.sources = refs.map((ref) => ({ ref, attachedAt: now, removedAt: undefined }));
  for (const hook of hooks) state.lifecycle.hooks.set(toHookKey(hook), hook);
  group.changes = [
    `At ${toCauseTime(now)} a user request created an AutoScalingGroup changing the desired capacity from 0 to ${settings.desired}.`,
  ];
  group.scaleAt = now + state.settings.reactionMs;
  state.groups.set(toKey(group), group);
  return {};
}

/** Creates a group without instances. */
function toGroup(
  { settings: { describeLagMs } }: AutoScalingState,
  key: NamedResource,
  { settings, now }: { readonly settings: GroupSettings; readonly now: number },
): SimGroup {
  const { account, region, name } = key;
  return {
    account,
    region,
    name,
    settings,
    createdAt: now,
    visibleAt: now + describeLagMs,
    arn: `arn:aws:autoscaling:${region}:${account}:autoScalingGroup:${randomUUID()}:autoScalingGroupName/${name}`,
    tags: [],
    sources: [],
    members: [],
    activities: [],
    changes: [],
    failures: 0,
    isDeleting: false,
    policies: new Map(),
    metrics: new Set(),
    suspended: new Set(),
    scaleAt: Number.POSITIVE_INFINITY,
  };
}

/** The defaults of a new group. */
const NO_SETTINGS: GroupSettings = {
  min: 0,
  max: 0,
  desired: 0,
  healthCheckType: "EC2",
  graceSeconds: 0,
  subnets: [],
  availabilityZones: [],
  placementGroup: undefined,
  terminationPolicies: ["Default"],
  isProtected: false,
  source: { kind: "configuration", name: "" },
  others: { DefaultCooldown: 300 },
};

function checkName({ groups, settings }: AutoScalingState, key: NamedResource, call: SimCall): void {
  const { name } = key;
  if (!NAME.test(name)) {
    throw faults.constraint(
      "autoScalingGroupName",
      name,
      "be 1 to 255 printable ASCII characters without spaces and colons",
    );
  }
  if (groups.has(toKey(key))) {
    throw faults.exists(`AutoScalingGroup by this name already exists - A group with the name ${name} already exists`);
  }
  const own = [...groups.values()].filter((each) => isOwn(each, call));
  if (own.length >= settings.quotas.groups) {
    throw faults.limit(`The limit of ${settings.quotas.groups} AutoScalingGroups has been reached.`);
  }
}

/** A group that has been there for a while. */
export interface GroupInput extends NamedResource {
  /** Default: 1. */
  readonly desired?: number;
  /** Default: 0. */
  readonly min?: number;
  /** Default: as many as are desired. */
  readonly max?: number;
  /** All are propagated. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Made where it is not there. Default: the group's name. */
  readonly launchConfiguration?: string;
  /** ARNs. */
  readonly targetGroups?: readonly string[];
  readonly loadBalancers?: readonly string[];
  readonly subnets?: readonly string[];
  readonly healthCheckType?: "EC2" | "ELB";
  readonly hooks?: readonly Omit<HookInput, "account" | "region" | "group">[];
  /** Simple policies, with alarms that call them. */
  readonly policies?: readonly { readonly name: string; readonly alarms?: readonly string[] }[];
}

/** Adds it, with instances that are in service; gives its name. */
export function addGroup(state: AutoScalingState, input: GroupInput, now: number): string {
  const { account, region, name, desired = 1, min = 0, max = Math.max(desired, min), tags = {} } = input;
  const key = { account, region, name };
  const configuration = input.launchConfiguration ?? name;
  addConfiguration(state, { account, region, name: configuration }, now);
  const settings = {
    ...NO_SETTINGS,
    min,
    max,
    desired,
    subnets: input.subnets ?? [],
    availabilityZones: [`${region}a`],
    healthCheckType: input.healthCheckType ?? "EC2",
    source: { kind: "configuration", name: configuration } as const,
  };
  const group = { ...toGroup(state, key, { settings, now }), visibleAt: now };
  group.tags = Object.entries(tags).map(([tag, value]) => ({ key: tag, value, propagates: true }));
  const refs: TrafficSourceRef[] = [
    ...(input.targetGroups ?? []).map((id) => ({ account, region, kind: "targetGroup" as const, id })),
    ...(input.loadBalancers ?? []).map((id) => ({ account, region, kind: "classic" as const, id })),
  ];
  group.sources = refs.map((ref) => ({ ref, attachedAt: 0, removedAt: undefined }));
  for (const each of input.hooks ?? []) {
    const hook = { ...each, account, region, group: name };
    state.lifecycle.hooks.set(toHookKey(hook), hook);
  }
  state.groups.set(toKey(key), group);
  addPolicies(state, group, input.policies ?? []);
  fill(state, group, now);
  return name;
}

/** Adds a launch configuration, as in old accounts. */
export function addConfiguration({ configurations }: AutoScalingState, key: NamedResource, now: number): void {
  if (!configurations.has(toKey(key))) configurations.set(toKey(key), { ...key, createdAt: now, input: {} });
}

function addPolicies(
  { alarms }: AutoScalingState,
  group: SimGroup,
  policies: NonNullable<GroupInput["policies"]>,
): void {
  const { account, region } = group;
  for (const { name, alarms: names = [] } of policies) {
    const arn = `arn:aws:autoscaling:${region}:${account}:scalingPolicy:00000000-0000-4000-8000-000000000000:autoScalingGroupName/${group.name}:policyName/${name}`;
    const policyInput = { AdjustmentType: "ChangeInCapacity", ScalingAdjustment: 1, Cooldown: 60 };
    group.policies.set(name, { name, arn, type: "SimpleScaling", input: policyInput, ownAlarms: [] });
    for (const alarm of names) alarms.putTrackingAlarm({ account, region, name: alarm, actionArn: arn });
  }
}

/** Launches its instances, which have booted already. */
function fill(state: AutoScalingState, group: SimGroup, now: number): void {
  const script = { bootMs: 0, healthyAfterMs: 0 };
  for (let index = 0; index < group.settings.desired; index += 1) {
    const member = launchInstance(state, group, { at: now, cause: "", script });
    if (member === undefined) return;
    state.ec2.changeState(member.instanceId, "running", now);
    enterService(state, group, member, now);
  }
}

type Input = SimCall["input"];

/** Fields that are only kept and answered. */
const OTHERS = [
  ...["CapacityRebalance", "Context", "DefaultCooldown", "DefaultInstanceWarmup", "DesiredCapacityType"],
  ...["InstanceMaintenancePolicy", "MaxInstanceLifetime", "ServiceLinkedRoleARN"],
];
const HEALTH_CHECKS = ["EC2", "ELB", "EBS", "VPC_LATTICE"];
/** "CreateAutoScalingGroup", TerminationPolicies; a function's ARN is one too. */
const TERMINATION_POLICIES = [
  ...["Default", "AllocationStrategy", "ClosestToNextInstanceHour", "NewestInstance", "OldestInstance"],
  ...["OldestLaunchConfiguration", "OldestLaunchTemplate"],
];

/**
 * Returns the settings of a request, over those that are there. Source: "CreateAutoScalingGroup",
 * "UpdateAutoScalingGroup".
 */
export function readSettings(state: AutoScalingState, call: SimCall, before: GroupSettings): GroupSettings {
  const { input } = call;
  const sizes = readSizes(input, before);
  const zones = readSubnets(state, call) ?? before;
  return {
    ...sizes,
    ...readHealthChecks(input, before),
    subnets: zones.subnets,
    availabilityZones: zones.availabilityZones,
    placementGroup: readPlacementGroup(state, call) ?? before.placementGroup,
    terminationPolicies: readPolicies(input) ?? before.terminationPolicies,
    isProtected: findFlag(input, "NewInstancesProtectedFromScaleIn") ?? before.isProtected,
    source: readLaunchSource(state, call) ?? before.source,
    others: { ...before.others, ...pick(input, OTHERS) },
  };
}

/**
 * Follows "UpdateAutoScalingGroup": a new bound moves the desired capacity that lies outside, unless that is set too.
 */
function readSizes(input: Input, before: Pick<GroupSettings, "min" | "max" | "desired">) {
  const min = findNumber(input, "MinSize") ?? before.min;
  const max = findNumber(input, "MaxSize") ?? before.max;
  for (const [field, value] of Object.entries({ minSize: min, maxSize: max })) {
    if (!Number.isInteger(value) || value < 0) throw faults.constraint(field, value, "be a whole number, 0 or more");
  }
  if (min > max) {
    throw faults.invalid(`Max bound, ${max}, must be greater than or equal to min bound, ${min}`);
  }
  const desired = findNumber(input, "DesiredCapacity") ?? Math.min(max, Math.max(min, before.desired));
  if (!Number.isInteger(desired) || desired < min || desired > max) {
    throw faults.invalid(
      `Desired capacity:${desired} must be between the specified min size:${min} and max size:${max}`,
    );
  }
  return { min, max, desired };
}

function readHealthChecks(input: Input, before: GroupSettings) {
  const healthCheckType = findText(input, "HealthCheckType") ?? before.healthCheckType;
  const unknown = healthCheckType.split(",").find((type) => !HEALTH_CHECKS.includes(type));
  if (unknown !== undefined) throw faults.invalid(`Invalid HealthCheckType: ${unknown}`);
  const graceSeconds = findNumber(input, "HealthCheckGracePeriod") ?? before.graceSeconds;
  if (graceSeconds < 0) throw faults.invalid("HealthCheckGracePeriod must be 0 or more");
  return { healthCheckType, graceSeconds };
}

function readSubnets({ ec2 }: AutoScalingState, call: SimCall) {
  const { input } = call;
  const identifier = findText(input, "VPCZoneIdentifier");
  const asked = textsOf(input, "AvailabilityZones");
  if (identifier === undefined && asked.length === 0) return;
  const subnets = (identifier ?? "").split(",").flatMap((id) => id.trim() || []);
  const found = subnets.map((id) => {
    const subnet = ec2.state.subnets.get(id);
    if (subnet === undefined || !isOwn(subnet, call)) {
      throw faults.invalid(`The subnet ID '${id}' does not exist`);
    }
    return subnet;
  });
  if (new Set(found.map(({ vpcId }) => vpcId)).size > 1) {
    throw faults.invalid(`The subnets ${subnets.join(", ")} are not in the same VPC.`);
  }
  const zones = [...new Set(found.map(({ availabilityZone }) => availabilityZone))];
  const availabilityZones = zones.length > 0 ? zones : asked;
  if (availabilityZones.length === 0) {
    throw faults.invalid("At least one Availability Zone or VPC Subnet is required.");
  }
  return { subnets, availabilityZones };
}

function readPlacementGroup({ ec2 }: AutoScalingState, call: SimCall): string | undefined {
  const name = findText(call.input, "PlacementGroup");
  if (name === undefined) return;
  const isThere = [...ec2.state.placementGroups.values()].some((each) => each.name === name && isOwn(each, call));
  if (!isThere) throw faults.invalid(`The Placement Group '${name}' is unknown.`);
  return name;
}

function readPolicies(input: Input): readonly string[] | undefined {
  if (input["TerminationPolicies"] === undefined) return;
  const policies = textsOf(input, "TerminationPolicies");
  const unknown = policies.find((each) => !TERMINATION_POLICIES.includes(each) && !each.startsWith("arn:"));
  if (unknown !== undefined) throw faults.invalid(`Invalid termination policy: ${unknown}`);
  return policies;
}

function pick(input: Input, fields: readonly string[]): Input {
  return Object.fromEntries(fields.flatMap((field) => (input[field] === undefined ? [] : [[field, input[field]]])));
}

type TemplateSource = Exclude<LaunchSource, { kind: "configuration" }>;

/** "LaunchTemplate", Overrides: "Maximum number of 40" types. */
const MAX_OVERRIDES = 40;
const SOURCES = ["LaunchConfigurationName", "LaunchTemplate", "MixedInstancesPolicy"];

/** Returns the launch source of a request; undefined if it names none. A named one must exist and be launchable. */
function readLaunchSource(state: AutoScalingState, call: SimCall): LaunchSource | undefined {
  const { input } = call;
  const named = SOURCES.filter((field) => input[field] !== undefined);
  if (named.length === 0) return;
  if (named.length > 1) {
    throw faults.invalid(
      "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or MixedInstancesPolicy parameter.",
    );
  }
  const source = toSource(state, call);
  if (source.kind === "configuration") return source;
  checkTemplate(state, source);
  checkLaunchable(state, call, source);
  return source;
}

function toSource(state: AutoScalingState, call: SimCall): LaunchSource {
  const { input } = call;
  const name = findText(input, "LaunchConfigurationName");
  if (name !== undefined) {
    if (!state.configurations.has(toKey({ ...placeOf(call), name }))) {
      throw faults.invalid(`Launch configuration name not found - Launch configuration ${name} not found`);
    }
    return { kind: "configuration", name };
  }
  const template = findRecord(input, "LaunchTemplate");
  if (template !== undefined) return { kind: "template", template: toTemplateRef(state, call, template) };
  const policy = findRecord(input, "MixedInstancesPolicy") ?? {};
  return { kind: "mixed", template: toMixedTemplate(state, call, policy), policy };
}

function toMixedTemplate(state: AutoScalingState, call: SimCall, policy: Input): TemplateRef {
  const launch = findRecord(policy, "LaunchTemplate") ?? {};
  const specification = findRecord(launch, "LaunchTemplateSpecification");
  if (specification === undefined) {
    throw faults.invalid("LaunchTemplate in MixedInstancesPolicy must contain a LaunchTemplateSpecification.");
  }
  const overrides = recordsOf(launch, "Overrides");
  if (overrides.length > MAX_OVERRIDES) {
    throw faults.constraint("overrides", overrides.length, `have length less than or equal to ${MAX_OVERRIDES}`);
  }
  const types = overrides.map((each) => findText(each, "InstanceType")).filter((type) => type !== undefined);
  if (new Set(types).size < types.length) {
    throw faults.invalid("Duplicate instance types in overrides of the MixedInstancesPolicy.");
  }
  return toTemplateRef(state, call, specification);
}

function toTemplateRef(state: AutoScalingState, call: SimCall, named: Input): TemplateRef {
  const id = findText(named, "LaunchTemplateId");
  const name = findText(named, "LaunchTemplateName");
  if ((id === undefined) === (name === undefined)) {
    throw faults.invalid("Valid requests must contain either launchTemplateId or LaunchTemplateName");
  }
  const found = [...state.ec2.state.launchTemplates.values()].find(
    (each) => isOwn(each, call) && (id === undefined ? each.name === name : each.id === id),
  );
  if (found === undefined) {
    const what = id === undefined ? `template name ${name}` : `template ID ${id}`;
    throw invalidTemplate(`The specified launch template, with ${what}, does not exist.`);
  }
  // "LaunchTemplateSpecification", Version: "If not specified, the default".
  return { id: found.id, name: found.name, version: findText(named, "Version") ?? "$Default" };
}

/** Follows the user guide, "Create a launch template": what EC2 takes in a template, and Auto Scaling does not. */
function checkTemplate({ ec2 }: AutoScalingState, source: TemplateSource): void {
  const template = ec2.state.launchTemplates.get(source.template.id);
  const data = template === undefined ? undefined : findVersion(template, source.template.version)?.data;
  if (data === undefined) return;
  const interfaces = recordsOf(data, "NetworkInterfaces");
  if (interfaces.length > 0 && textsOf(data, "SecurityGroupIds").length > 0) {
    throw faults.query(
      "Invalid launch template: When a network interface is provided, the security groups must be a part of it.",
    );
  }
  if (source.kind === "mixed" && data["InstanceMarketOptions"] !== undefined) {
    throw faults.invalid(
      "You cannot use a launch template that is set to request Spot Instances (InstanceMarketOptions) when you configure an Auto Scaling group with a mixed instances policy.",
    );
  }
}

/** Tries the template out before it is accepted, as Auto Scaling does. */
function checkLaunchable(state: AutoScalingState, call: SimCall, source: TemplateSource): void {
  const order = resolveLaunch(state, placeOf(call), { source, count: 0 });
  if ("fault" in order) throw invalidTemplate(order.fault);
}

function invalidTemplate(why: string) {
  return faults.invalid(`You must use a valid fully-formed launch template. ${why}`);
}

/**
 * Checks the further permissions of a caller that creates or changes a group. Source: user guide, "Control Amazon EC2
 * launch template usage in Auto Scaling groups" (RunInstances, PassRole), "Identity-based policy examples"
 * (CreateOrUpdateTags).
 */
export function checkPermissions(state: AutoScalingState, call: SimCall, source: LaunchSource | undefined): void {
  const { input } = call;
  if (recordsOf(input, "Tags").length > 0) needs(call, "autoscaling:CreateOrUpdateTags");
  const hooks = recordsOf(input, "LifecycleHookSpecificationList");
  if (hooks.some((hook) => hook["RoleARN"] !== undefined)) needs(call, "iam:PassRole");
  if (source === undefined || source.kind === "configuration") return;
  const { id, version } = source.template;
  if (!allows(call.identity.allow, "ec2:RunInstances")) {
    throw new SimFault("AccessDenied", 403, `You are not authorized to use launch template: ${id}`);
  }
  const template = state.ec2.state.launchTemplates.get(id);
  const data = template === undefined ? undefined : findVersion(template, version)?.data;
  if (data?.["IamInstanceProfile"] !== undefined) needs(call, "iam:PassRole");
}

function needs({ identity }: SimCall, action: string): void {
  if (!allows(identity.allow, action)) throw faults.denied(identity.arn, action);
}
