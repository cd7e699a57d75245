import { randomUUID } from "node:crypto";
import { DEFAULT_VPC } from "../ec2/subnets.ts";
import { endActivity, type SimActivity, toCauseTime } from "./activity.ts";
import type { AutoScalingState } from "./auto-scaling-state.ts";
import { toLaunchError } from "./launch-errors.ts";
import type { LaunchScript } from "./launch-script.ts";
import { type LaunchOrder, resolveLaunch } from "./resolve-launch.ts";
import type { SimGroup } from "./sim-group.ts";
import { bootedAt, diesAt, isAlive, type SimMember } from "./sim-member.ts";
import { takeScript } from "./take-script.ts";

/** Where an instance comes to be. */
interface LaunchPlace {
  readonly subnetId: string;
  readonly vpcId: string;
  readonly availabilityZone: string;
}

/** Launches one instance into a group. Undefined: it failed, and an activity says why. */
export function launchInstance(
  state: AutoScalingState,
  group: SimGroup,
  { at, cause, script = takeScript(state.scripts, group) }: LaunchInput,
): SimMember | undefined {
  const place = toPlace(state, group);
  const count = group.members.filter(isAlive).length;
  const order = resolveLaunch(state, group, { source: group.settings.source, count });
  const activity = toActivity(place, at, cause);
  group.activities.push(activity);
  const fault = findFault(state, order, { script, place });
  if (fault !== undefined || "fault" in order) {
    endActivity(activity, at, { status: "Failed", message: fault ?? "" });
    return;
  }
  const instanceId = addInstance(state, group, { order, place, at });
  activity.description = `Launching a new EC2 instance: ${instanceId}`;
  const member = toMember(order, { ...place, instanceId, at, script, activity });
  member.isProtected = group.settings.isProtected;
  member.nextAt = Math.min(bootedAt(member), diesAt(member));
  group.members = [...group.members, member];
  return member;
}

/** When, why and how. */
export interface LaunchInput {
  readonly at: number;
  readonly cause: string;
  /** Default: the next one that tests wrote for the group. */
  readonly script?: LaunchScript;
}

/** The subnet with the fewest instances ("AZRebalance": groups are spread evenly over their zones). */
function toPlace({ ec2 }: AutoScalingState, { settings, members, region }: SimGroup): LaunchPlace {
  const alive = members.filter(isAlive);
  const countOf = (id: string) => alive.filter(({ subnetId }) => subnetId === id).length;
  const [subnetId = "subnet-00000000000000000"] = settings.subnets.toSorted((a, b) => countOf(a) - countOf(b));
  const { vpcId = DEFAULT_VPC, availabilityZone = `${region}a` } = ec2.state.subnets.get(subnetId) ?? {};
  return { subnetId, vpcId, availabilityZone };
}

function findFault(
  { ec2 }: AutoScalingState,
  order: ReturnType<typeof resolveLaunch>,
  { script, place }: { readonly script: LaunchScript; readonly place: LaunchPlace },
): string | undefined {
  const fail = (why: string) => `${why.replace(/\.$/, "")}. Launching EC2 instance failed.`;
  if ("fault" in order) return fail(order.fault);
  const { subnets, securityGroups } = ec2.state;
  const isFar = (id: string) => securityGroups.get(id)?.vpcId !== place.vpcId;
  const far =
    subnets.has(place.subnetId) && order.template !== undefined ? order.securityGroupIds.find(isFar) : undefined;
  if (far !== undefined) return fail(`The security group '${far}' does not exist in VPC '${place.vpcId}'`);
  if (script.launchError === undefined) return;
  return toLaunchError(script.launchError, { ...order, availabilityZone: place.availabilityZone });
}

function toActivity({ subnetId, availabilityZone }: LaunchPlace, at: number, cause: string): SimActivity {
  return {
    id: randomUUID(),
    startedAt: at,
    description: "Launching a new EC2 instance",
    cause: `${cause}At ${toCauseTime(at)} an instance was started in response to a difference between desired and actual capacity`,
    details: JSON.stringify({ "Subnet ID": subnetId, "Availability Zone": availabilityZone }),
    status: "InProgress",
    message: undefined,
    endedAt: undefined,
  };
}

function addInstance(
  { ec2 }: AutoScalingState,
  group: SimGroup,
  { order, place, at }: { readonly order: LaunchOrder; readonly place: LaunchPlace; readonly at: number },
): string {
  const { account, region, name, tags } = group;
  const propagated = tags.filter(({ propagates }) => propagates).map(({ key, value }) => [key, value]);
  const { imageId, instanceType, securityGroupIds, isSpot, template } = order;
  const placementGroup = group.settings.placementGroup ?? order.placementGroup;
  return ec2.addInstance({
    account,
    region,
    instanceType,
    launchedAt: at,
    state: "pending",
    visibleAt: ec2.state.seenAt(at),
    launch: { ...place, imageId, securityGroupIds, placementGroup, isSpot },
    tags: {
      ...order.tags,
      ...Object.fromEntries(propagated),
      // User guide, "Tag Auto Scaling groups and instances": it adds these by itself.
      "aws:autoscaling:groupName": name,
      ...(template && { "aws:ec2launchtemplate:id": template.id, "aws:ec2launchtemplate:version": template.version }),
    },
  });
}

function toMember(
  { instanceType, template, configuration }: LaunchOrder,
  input: Omit<LaunchPlace, "vpcId"> & {
    readonly instanceId: string;
    readonly at: number;
    readonly script: LaunchScript;
    readonly activity: SimActivity;
  },
): SimMember {
  const { instanceId, availabilityZone, subnetId, at, script, activity } = input;
  return {
    instanceId,
    instanceType,
    availabilityZone,
    subnetId,
    launchedAt: at,
    script,
    template,
    configuration,
    isProtected: false,
    stage: "booting",
    nextAt: at,
    healthStatus: "Healthy",
    course: undefined,
    inServiceAt: undefined,
    actions: [],
    activity,
  };
}
