import { randomUUID } from "node:crypto";
import { findText, recordsOf, type SimCall, textOf, textsOf } from "../sim-call.ts";
import {
  type AutoScalingDeps,
  type AutoScalingState,
  groupOf,
  ownGroups,
  standingGroupOf,
} from "./auto-scaling-state.ts";
import { toRecordsPage } from "./describe-activities.ts";
import { autoScalingFaults as faults, type SimGroup, type SimPolicy } from "./sim-group.ts";

type Input = SimCall["input"];

/** User guide, "Quotas": scaling policies of a group, step adjustments of a policy. */
const MAX_POLICIES = 50;
const MAX_STEPS = 20;
/** "DescribePolicies", MaxRecords: 50 unless asked, at most 100; at most 50 names. */
const PAGES = { usual: 50, max: 100 };
const MAX_NAMES = 50;
const ADJUSTMENTS = ["ChangeInCapacity", "ExactCapacity", "PercentChangeInCapacity"];
/** Fields that are answered as they were put. */
const FIELDS = [
  ...["AdjustmentType", "MinAdjustmentMagnitude", "MinAdjustmentStep", "ScalingAdjustment", "Cooldown"],
  ...["MetricAggregationType", "StepAdjustments", "EstimatedInstanceWarmup", "TargetTrackingConfiguration"],
  "PredictiveScalingConfiguration",
];

/** Why a policy is refused; undefined: this rule has nothing against it. */
type Rule = (input: Input) => string | undefined;

const needsAdjustmentType: Rule = (input) => {
  const kind = findText(input, "AdjustmentType") ?? "";
  return ADJUSTMENTS.includes(kind) ? undefined : `Invalid AdjustmentType: '${kind}'`;
};
const needs =
  (field: string): Rule =>
  (input) =>
    input[field] === undefined ? `${field} is required for policies of this type.` : undefined;
const hasNo =
  (field: string): Rule =>
  (input) =>
    input[field] === undefined ? undefined : `${field} is not supported by policies of this type.`;
const hasSteps: Rule = (input) => {
  const { length } = recordsOf(input, "StepAdjustments");
  return length >= 1 && length <= MAX_STEPS ? undefined : `A policy must have 1 to ${MAX_STEPS} step adjustments.`;
};

/** "PutScalingPolicy": what each type takes. */
const RULES: Readonly<Record<string, readonly Rule[]>> = {
  SimpleScaling: [needsAdjustmentType, needs("ScalingAdjustment"), hasNo("StepAdjustments")],
  StepScaling: [needsAdjustmentType, hasSteps, hasNo("Cooldown"), hasNo("ScalingAdjustment")],
  TargetTrackingScaling: [needs("TargetTrackingConfiguration"), hasNo("AdjustmentType")],
  PredictiveScaling: [needs("PredictiveScalingConfiguration")],
};

/** Implements PutScalingPolicy: a new one, or another under the same name and ARN. Source: API reference. */
export function putPolicy(state: AutoScalingState, call: SimCall): unknown {
  const { input } = call;
  const group = standingGroupOf(state, textOf(input, "AutoScalingGroupName"), call);
  const name = textOf(input, "PolicyName");
  if (name.length < 1 || name.length > 255)
    throw faults.constraint("policyName", name, "have length between 1 and 255");
  const type = findText(input, "PolicyType") ?? "SimpleScaling";
  checkPolicy(type, input);
  const before = group.policies.get(name);
  if (before === undefined && group.policies.size >= MAX_POLICIES) {
    throw faults.limit(`The limit of ${MAX_POLICIES} scaling policies of a group has been reached.`);
  }
  const policy: SimPolicy = { name, type, input, arn: before?.arn ?? toArn(group, name), ownAlarms: [] };
  if (before !== undefined) removeAlarms(state, group, before);
  const ownAlarms = type === "TargetTrackingScaling" ? addAlarms(state, group, policy) : [];
  group.policies.set(name, { ...policy, ownAlarms });
  return { PolicyARN: policy.arn, Alarms: toAlarms(state, group, policy) };
}

/** Implements DescribePolicies: by group, names or ARNs, and types. Unknown names are ignored. */
export function describePolicies(state: AutoScalingState, call: SimCall): unknown {
  const { input } = call;
  const names = textsOf(input, "PolicyNames");
  if (names.length > MAX_NAMES)
    throw faults.constraint("policyNames", names.length, "have length less than or equal to 50");
  const types = textsOf(input, "PolicyTypes");
  const groupName = findText(input, "AutoScalingGroupName");
  const groups = groupName === undefined ? ownGroups(state, call) : [groupOf(state, groupName, call)];
  const found = groups
    .flatMap((group) => [...group.policies.values()].map((policy) => ({ group, policy })))
    .filter(({ policy }) => names.length === 0 || names.includes(policy.name) || names.includes(policy.arn))
    .filter(({ policy }) => types.length === 0 || types.includes(policy.type));
  const { rows, next } = toRecordsPage(found, call, PAGES);
  return { ScalingPolicies: rows.map(({ group, policy }) => toPolicy(state, group, policy)), ...next };
}

function checkPolicy(type: string, input: Input): void {
  const rules = RULES[type];
  if (rules === undefined) throw faults.invalid(`Invalid policy type: ${type}`);
  for (const rule of rules) {
    const why = rule(input);
    if (why !== undefined) throw faults.invalid(why);
  }
}

function toPolicy(state: AutoScalingState, group: SimGroup, policy: SimPolicy): unknown {
  const { name, arn, type, input } = policy;
  const given = FIELDS.flatMap((field) => (input[field] === undefined ? [] : [[field, input[field]]]));
  return {
    AutoScalingGroupName: group.name,
    PolicyName: name,
    PolicyARN: arn,
    PolicyType: type,
    StepAdjustments: [],
    ...Object.fromEntries(given),
    Alarms: toAlarms(state, group, policy),
    Enabled: input["Enabled"] !== false,
  };
}

function toAlarms({ alarms }: AutoScalingState, { account, region }: SimGroup, { arn }: SimPolicy) {
  return alarms
    .alarmsOf({ account, region, actionArn: arn })
    .map(({ name, arn: AlarmARN }) => ({ AlarmName: name, AlarmARN }));
}

function toArn({ account, region, name }: SimGroup, policy: string): string {
  return `arn:aws:autoscaling:${region}:${account}:scalingPolicy:${randomUUID()}:autoScalingGroupName/${name}:policyName/${policy}`;
}

type Alarms = Pick<AutoScalingDeps, "alarms">;

/**
 * Follows the user guide, "Target tracking scaling policies": Auto Scaling makes and deletes a high and a low alarm.
 * Gives their names.
 */
function addAlarms({ alarms }: Alarms, group: SimGroup, { arn }: SimPolicy): readonly string[] {
  const { account, region } = group;
  return ["AlarmHigh", "AlarmLow"].map((side) => {
    const name = `TargetTracking-${group.name}-${side}-${randomUUID()}`;
    alarms.putTrackingAlarm({ account, region, name, actionArn: arn });
    return name;
  });
}

/** Deletes those that Auto Scaling made. */
export function removeAlarms({ alarms }: Alarms, { account, region }: SimGroup, { ownAlarms }: SimPolicy): void {
  for (const name of ownAlarms) alarms.deleteTrackingAlarm({ account, region, name });
}
