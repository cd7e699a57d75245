import { findNumber, type SimCall, textsOf } from "../sim-call.ts";
import { describeResources, type ResourceKind } from "./describe-resources.ts";
import {
  checkFilterNames,
  type Ec2Resource,
  type Ec2State,
  type FilterReaders,
  ec2Faults as faults,
  isOwn,
  matchesFilters,
  ownOf,
  readFilters,
  toPage,
} from "./ec2-state.ts";
import { toTagList } from "./ec2-tags.ts";
import type { ImageInput } from "./images.ts";
import type { PlacementGroupInput } from "./placement-groups.ts";
import { launchTimeOf, type SimInstance, STATE_CODES, stateOf, toInstance } from "./sim-instance.ts";

/** Adds an image; gives its id. */
export function addImage({ images, nextId }: Ec2State, input: ImageInput, now: number): string {
  const { account, region, imageId = nextId("ami"), tags = {}, state = "available" } = input;
  const { name = imageId, architecture = "x86_64", sharedWith = [] } = input;
  images.set(imageId, { account, region, imageId, name, tags, state, architecture, sharedWith, createdAt: now });
  return imageId;
}

/** Adds a subnet; gives its id. */
export function addSubnet({ subnets, nextId }: Ec2State, input: SubnetInput): string {
  const { account, region, subnetId = nextId("subnet"), vpcId = DEFAULT_VPC, tags = {} } = input;
  const { availabilityZone = `${region}${"abc"[subnets.size % 3]}` } = input;
  subnets.set(subnetId, { account, region, subnetId, vpcId, availabilityZone, tags, visibleAt: 0 });
  return subnetId;
}

/** Adds a security group; gives its id. */
export function addSecurityGroup({ securityGroups, nextId }: Ec2State, input: SecurityGroupInput): string {
  const { account, region, groupId = nextId("sg"), vpcId = DEFAULT_VPC, tags = {} } = input;
  const { name = tags["Name"] ?? groupId } = input;
  securityGroups.set(groupId, { account, region, groupId, name, vpcId, tags, visibleAt: 0 });
  return groupId;
}

/** Adds a placement group; gives its id. */
export function addPlacementGroup({ placementGroups, nextId }: Ec2State, input: PlacementGroupInput): string {
  const { account, region, name, strategy, partitionCount, state = "available", tags = {} } = input;
  const groupId = nextId("pg");
  placementGroups.set(groupId, {
    account,
    region,
    groupId,
    name,
    strategy,
    partitionCount,
    state,
    tags,
    visibleAt: 0,
  });
  return groupId;
}

/** "DescribeInstances", MaxResults: "between 5 and 1000". */
const PAGES = { min: 5, max: 1_000 };
/** Terminated instances "remain visible for a short while (approximately one hour)" (user guide, "Terminate your instance"). */
const TERMINATED_VISIBLE_MS = 3_600_000;
const ID = /^i-([0-9a-f]{8}|[0-9a-f]{17})$/;

const READERS: FilterReaders<SimInstance> = {
  "availability-zone": ({ launch }) => listed(launch?.availabilityZone),
  "image-id": ({ launch }) => listed(launch?.imageId),
  "instance-id": ({ instanceId }) => [instanceId],
  "instance-state-name": (instance, now) => [stateOf(instance, now)],
  "instance-state-code": (instance, now) => [String(STATE_CODES[stateOf(instance, now)])],
  "instance-type": ({ instanceType }) => [instanceType],
  "launch-time": (instance, now) => [new Date(launchTimeOf(instance, now)).toISOString()],
  "owner-id": ({ account }) => [account],
  "placement-group-name": ({ launch }) => listed(launch?.placementGroup),
  platform: ({ platform }) => listed(platform),
  "reservation-id": ({ reservationId }) => [reservationId],
  "subnet-id": ({ launch }) => listed(launch?.subnetId),
  "vpc-id": ({ launch }) => listed(launch?.vpcId),
};

function listed(value: string | undefined): readonly string[] {
  return value === undefined ? [] : [value];
}

/** DescribeInstances: the caller's own, by id or by filters, in pages. A reservation holds what was launched together. */
export function describeInstances(instances: readonly SimInstance[], call: SimCall): unknown {
  const { input, now } = call;
  const own = instances.filter((each) => isOwn(each, call) && isVisible(each, now));
  const ids = textsOf(input, "InstanceIds");
  const filters = readFilters(call);
  checkFilterNames(filters, READERS);
  if (ids.length > 0 && findNumber(input, "MaxResults") !== undefined) {
    throw faults.combined("The parameter instancesSet cannot be used with the parameter maxResults");
  }
  const asked = ids.length === 0 ? own : findAll(own, ids);
  const found = asked.filter((each) => matchesFilters(each, filters, { readers: READERS, now }));
  const { rows, next } = toPage(found, call, PAGES);
  return { Reservations: toReservations(rows, now), ...next };
}

function isVisible(instance: SimInstance, now: number): boolean {
  if (instance.visibleAt > now) return false;
  if (stateOf(instance, now) !== "terminated") return true;
  const since = instance.states.findLast(({ at }) => at <= now)?.at ?? 0;
  return now < since + TERMINATED_VISIBLE_MS;
}

function findAll(own: readonly SimInstance[], ids: readonly string[]): readonly SimInstance[] {
  const malformed = ids.find((id) => !ID.test(id));
  if (malformed !== undefined) throw faults.malformed(malformed);
  const byId = new Map(own.map((each) => [each.instanceId, each]));
  const missing = ids.filter((id) => !byId.has(id));
  if (missing.length > 0) throw faults.missing(missing);
  return own.filter(({ instanceId }) => ids.includes(instanceId));
}

function toReservations(page: readonly SimInstance[], now: number): unknown[] {
  return [...Map.groupBy(page, ({ reservationId }) => reservationId)].map(([ReservationId, group]) => ({
    ReservationId,
    OwnerId: group[0]?.account,
    Instances: group.map((each) => toInstance(each, now)),
  }));
}

/** A subnet of a VPC. */
export interface SimSubnet extends Ec2Resource {
  readonly subnetId: string;
  readonly vpcId: string;
  readonly availabilityZone: string;
}

/** What tests say of a subnet. */
export interface SubnetInput {
  readonly account: string;
  readonly region: string;
  /** Default: the next free one. */
  readonly subnetId?: string;
  /** Default: `DEFAULT_VPC`. */
  readonly vpcId?: string;
  /** Default: zones `a`, `b` and `c` in turn. */
  readonly availabilityZone?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

/** The VPC of what names none. */
export const DEFAULT_VPC = "vpc-00000000000000001";

const KIND: ResourceKind<SimSubnet> = {
  keys: {
    SubnetIds: {
      of: ({ subnetId }) => subnetId,
      missing: (id) => faults.named("InvalidSubnetID.NotFound", `The subnet ID '${id}' does not exist`),
    },
  },
  readers: {
    "availability-zone": ({ availabilityZone }) => [availabilityZone],
    "owner-id": ({ account }) => [account],
    state: () => ["available"],
    "subnet-id": ({ subnetId }) => [subnetId],
    "vpc-id": ({ vpcId }) => [vpcId],
  },
  pages: { min: 5, max: 1_000 },
  answer: "Subnets",
  toOutput: ({ account, region, subnetId, vpcId, availabilityZone, tags }) => ({
    SubnetId: subnetId,
    VpcId: vpcId,
    AvailabilityZone: availabilityZone,
    OwnerId: account,
    State: "available",
    SubnetArn: `arn:aws:ec2:${region}:${account}:subnet/${subnetId}`,
    AvailableIpAddressCount: 4_091,
    CidrBlock: "10.0.0.0/20",
    Tags: toTagList(tags),
  }),
};

/** DescribeSubnets. Source: EC2 API reference. */
export function describeSubnets(subnets: Iterable<SimSubnet>, call: SimCall): unknown {
  return describeResources(ownOf(subnets, call), KIND, call);
}

/** A security group. */
export interface SimSecurityGroup extends Ec2Resource {
  readonly groupId: string;
  readonly name: string;
  readonly vpcId: string;
}

/** What tests say of a security group. */
export interface SecurityGroupInput {
  readonly account: string;
  readonly region: string;
  /** Default: the next free one. */
  readonly groupId?: string;
  /** Default: its tag Name, or its id. */
  readonly name?: string;
  /** Default: `DEFAULT_VPC`. */
  readonly vpcId?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

const missing = (group: string) =>
  faults.named("InvalidGroup.NotFound", `The security group '${group}' does not exist`);

const GROUP_KIND: ResourceKind<SimSecurityGroup> = {
  keys: {
    GroupIds: { of: ({ groupId }) => groupId, missing },
    GroupNames: { of: ({ name }) => name, missing },
  },
  readers: {
    "group-id": ({ groupId }) => [groupId],
    "group-name": ({ name }) => [name],
    "owner-id": ({ account }) => [account],
    "vpc-id": ({ vpcId }) => [vpcId],
  },
  pages: { min: 5, max: 1_000 },
  answer: "SecurityGroups",
  toOutput: ({ account, region, groupId, name, vpcId, tags }) => ({
    GroupId: groupId,
    GroupName: name,
    VpcId: vpcId,
    OwnerId: account,
    Description: name,
    SecurityGroupArn: `arn:aws:ec2:${region}:${account}:security-group/${groupId}`,
    IpPermissions: [],
    IpPermissionsEgress: [],
    Tags: toTagList(tags),
  }),
};

/** DescribeSecurityGroups. Source: EC2 API reference. */
export function describeSecurityGroups(groups: Iterable<SimSecurityGroup>, call: SimCall): unknown {
  return describeResources(ownOf(groups, call), GROUP_KIND, call);
}
