import { findFlag, textsOf } from "../input-lists.ts";
import { findNumber, findText, type SimCall } from "../sim-call.ts";
import { autoScalingFaults as faults } from "./auto-scaling-faults.ts";
import type { AutoScalingState } from "./auto-scaling-state.ts";
import { readLaunchSource } from "./read-template.ts";
import type { GroupSettings } from "./sim-group.ts";

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

/** The settings of a request, over those that are there. Source: "CreateAutoScalingGroup", "UpdateAutoScalingGroup". */
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

/** "UpdateAutoScalingGroup": a new bound moves the desired capacity that lies outside, unless that is set too. */
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

function readSubnets({ ec2 }: AutoScalingState, { input, identity, region }: SimCall) {
  const identifier = findText(input, "VPCZoneIdentifier");
  const asked = textsOf(input, "AvailabilityZones");
  if (identifier === undefined && asked.length === 0) return;
  const subnets = (identifier ?? "").split(",").flatMap((id) => id.trim() || []);
  const found = subnets.map((id) => {
    const subnet = ec2.state.subnets.get(id);
    if (subnet === undefined || subnet.account !== identity.account || subnet.region !== region) {
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

function readPlacementGroup({ ec2 }: AutoScalingState, { input, identity, region }: SimCall): string | undefined {
  const name = findText(input, "PlacementGroup");
  if (name === undefined) return;
  const isThere = [...ec2.state.placementGroups.values()].some(
    (each) => each.name === name && each.account === identity.account && each.region === region,
  );
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
