import { defined } from "@stackyard/core";
import {
  findNumber,
  findText,
  isOwn,
  type NamedResource,
  type Place,
  placeOf,
  type SimCall,
  textsOf,
} from "../sim-call.ts";
import type { SimFault } from "../sim-fault.ts";
import {
  checkFilterNames,
  type Ec2Resource,
  type FilterReaders,
  ec2Faults as faults,
  matchesFilters,
  ownOf,
  type PageRange,
  readFilters,
  readTagSpecifications,
  type Tagged,
  toPage,
  toTagList,
} from "./ec2-faults.ts";

/** A subnet of a VPC. */
export interface SimSubnet extends Ec2Resource {
  readonly subnetId: string;
  readonly vpcId: string;
  readonly availabilityZone: string;
}

/** What tests say of a subnet. Defaults: the next free id, `DEFAULT_VPC`. Zones are `a`, `b` and `c` in turn. */
export type SubnetInput = Place & Partial<Pick<SimSubnet, "subnetId" | "vpcId" | "tags">>;

/** The VPC of what names none. */
export const DEFAULT_VPC = "vpc-00000000000000001";

const SUBNET_KIND: ResourceKind<SimSubnet> = {
  keys: {
    SubnetIds: {
      of: ({ subnetId }) => subnetId,
      missing: (id) => faults.named("InvalidSubnetID.NotFound", `The subnet ID '${id}' does not exist`),
    },
  },
  readers: {},
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

/** Implements DescribeSubnets. Source: EC2 API reference. */
export function describeSubnets(subnets: Iterable<SimSubnet>, call: SimCall): unknown {
  return describeResources(ownOf(subnets, call), SUBNET_KIND, call);
}

/** A security group. */
export interface SimSecurityGroup extends Ec2Resource {
  readonly groupId: string;
  readonly name: string;
  readonly vpcId: string;
}

/** What tests say of a security group. Defaults: the next free id; as the name its tag Name, or its id. */
export type SecurityGroupInput = Place & Partial<Pick<SimSecurityGroup, "groupId" | "name" | "tags">>;

const missing = (group: string) =>
  faults.named("InvalidGroup.NotFound", `The security group '${group}' does not exist`);

const GROUP_KIND: ResourceKind<SimSecurityGroup> = {
  keys: {
    GroupIds: { of: ({ groupId }) => groupId, missing },
    GroupNames: { of: ({ name }) => name, missing },
  },
  readers: {},
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

/** Implements DescribeSecurityGroups. Source: EC2 API reference. */
export function describeSecurityGroups(groups: Iterable<SimSecurityGroup>, call: SimCall): unknown {
  return describeResources(ownOf(groups, call), GROUP_KIND, call);
}

/** How a kind of resource is described. */
export interface ResourceKind<Resource extends Tagged> {
  /** Fields of the request that name resources, one by one. All that they name have to be there. */
  readonly keys: Readonly<Record<string, ResourceKey<Resource>>>;
  readonly readers: FilterReaders<Resource>;
  /** Absent: everything is returned, regardless of the requested page. */
  readonly pages?: PageRange;
  /** The list of the answer. */
  readonly answer: string;
  toOutput(resource: Resource): unknown;
}

/** One way to name a resource. */
interface ResourceKey<Resource> {
  of(resource: Resource): string;
  /** Returns the error for a missing one. */
  missing(key: string): SimFault;
}

/** Creates a Describe operation of EC2 over the resources that the caller may see. */
export function describeResources<Resource extends Tagged>(
  seen: readonly Resource[],
  { keys, readers, pages, answer, toOutput }: ResourceKind<Resource>,
  call: SimCall,
): unknown {
  const filters = readFilters(call);
  checkFilterNames(filters, readers);
  const named = Object.entries(keys).map(([field, key]) => ({ key, values: textsOf(call.input, field) }));
  const asked = named.filter(({ values }) => values.length > 0);
  const chosen = asked.reduce((left, { key, values }) => findNamed(left, key, values), seen);
  const found = chosen.filter((each) => matchesFilters(each, filters, { readers, now: call.now }));
  const { rows, next } = pages === undefined ? { rows: found, next: {} } : toPage(found, call, pages);
  return { [answer]: rows.map(toOutput), ...next };
}

function findNamed<Resource>(
  seen: readonly Resource[],
  key: ResourceKey<Resource>,
  values: readonly string[],
): readonly Resource[] {
  const missing = values.find((value) => !seen.some((each) => key.of(each) === value));
  if (missing !== undefined) throw key.missing(missing);
  return seen.filter((each) => values.includes(key.of(each)));
}

/** A machine image. */
export interface SimImage extends Place, Tagged {
  readonly imageId: string;
  readonly name: string;
  readonly state: ImageState;
  readonly architecture: "x86_64" | "arm64";
  /** Accounts that may launch it too; `all` for everybody. */
  readonly sharedWith: readonly string[];
  readonly createdAt: number;
}

/** API reference, "Image", State. */
type ImageState = "pending" | "available" | "invalid" | "deregistered" | "transient" | "failed" | "error" | "disabled";

/** What tests say of an image. Defaults: the next free id, which is also the name; `available`; `x86_64`; not shared. */
export type ImageInput = Place & Partial<Omit<SimImage, "createdAt">>;

const IMAGE_KIND: ResourceKind<SimImage> = {
  keys: {
    ImageIds: {
      of: ({ imageId }) => imageId,
      missing: (id) =>
        /^ami-([0-9a-f]{8}|[0-9a-f]{17})$/.test(id)
          ? faults.named("InvalidAMIID.NotFound", `The image id '[${id}]' does not exist`)
          : faults.named("InvalidAMIID.Malformed", `Invalid id: "${id}" (expecting "ami-...")`),
    },
  },
  readers: {},
  pages: { min: 1, max: 1_000 },
  answer: "Images",
  toOutput: (image) => ({
    ImageId: image.imageId,
    Name: image.name,
    State: image.state,
    OwnerId: image.account,
    Architecture: image.architecture,
    Public: image.sharedWith.includes("all"),
    ImageType: "machine",
    CreationDate: new Date(image.createdAt).toISOString(),
    VirtualizationType: "hvm",
    Hypervisor: "xen",
    RootDeviceName: "/dev/xvda",
    RootDeviceType: "ebs",
    PlatformDetails: "Linux/UNIX",
    Tags: toTagList(image.tags),
  }),
};

/**
 * Implements DescribeImages: the caller's own, and those that others share. Tags are seen by the owner only ("Tag your
 * resources").
 */
export function describeImages(images: Iterable<SimImage>, call: SimCall): unknown {
  const { account } = call.identity;
  const owners = textsOf(call.input, "Owners").map((owner) => (owner === "self" ? account : owner));
  const seen = [...images]
    .filter((image) => image.region === call.region && mayLaunch(image, account))
    .filter((image) => owners.length === 0 || owners.includes(image.account))
    .map((image) => (image.account === account ? image : { ...image, tags: {} }));
  return describeResources(seen, IMAGE_KIND, call);
}

/** Returns true if this account may see the image and launch it. */
export function mayLaunch({ account, sharedWith }: SimImage, caller: string): boolean {
  return account === caller || sharedWith.includes(caller) || sharedWith.includes("all");
}

/** A placement group. */
export interface SimPlacementGroup extends Ec2Resource {
  readonly groupId: string;
  readonly name: string;
  readonly strategy: string;
  readonly partitionCount: number | undefined;
}

/** What tests say of a placement group. */
export interface PlacementGroupInput extends NamedResource {
  readonly strategy: "cluster" | "spread" | "partition";
  readonly partitionCount?: number;
}

/** The placement groups of all accounts. */
type PlacementGroups = Map<string, SimPlacementGroup>;

/** The store of the placement groups of all accounts. */
export interface PlacementGroupStore extends ResourceStore {
  readonly placementGroups: PlacementGroups;
}

/** What gives new resources their ids and instants. */
export interface ResourceStore {
  /** Returns a new id, such as `pg-…`. */
  nextId(prefix: string): string;
  /** Returns when Describe operations list a resource that is created at an instant. */
  seenAt(now: number): number;
}

const unknown = (name: string) =>
  faults.named("InvalidPlacementGroup.Unknown", `The Placement Group '${name}' is unknown.`);
const STRATEGIES = ["cluster", "spread", "partition"];
/** "CreatePlacementGroup": names up to 255 ASCII characters. */
const NAME = /^[\x20-\x7e]{1,255}$/;
/** EC2 user guide, "Placement groups": "a maximum of seven partitions per Availability Zone"; 500 groups per account and Region. */
const MAX_PARTITIONS = 7;
const MAX_GROUPS = 500;

const PLACEMENT_GROUP_KIND: ResourceKind<SimPlacementGroup> = {
  keys: {
    GroupNames: { of: ({ name }) => name, missing: unknown },
    GroupIds: { of: ({ groupId }) => groupId, missing: unknown },
  },
  readers: {
    "group-name": ({ name }) => [name],
  },
  answer: "PlacementGroups",
  toOutput,
};

/** Implements DescribePlacementGroups. Source: EC2 API reference. */
export function describePlacementGroups(groups: PlacementGroups, call: SimCall): unknown {
  return describeResources(ownOf(groups.values(), call), PLACEMENT_GROUP_KIND, call);
}

/** Implements CreatePlacementGroup. Source: EC2 API reference. */
export function createPlacementGroup(store: PlacementGroupStore, call: SimCall): unknown {
  const { placementGroups: groups } = store;
  const { input, now } = call;
  const name = findText(input, "GroupName") ?? "";
  if (!NAME.test(name)) throw faults.invalid(`Invalid placement group name: '${name}'`);
  if (findOwn(groups, name, call)) {
    throw faults.named("InvalidPlacementGroup.Duplicate", `The Placement Group '${name}' already exists.`);
  }
  if ([...groups.values()].filter((each) => isOwn(each, call)).length >= MAX_GROUPS) {
    throw faults.named("PlacementGroupLimitExceeded", `The maximum number of placement groups is ${MAX_GROUPS}.`);
  }
  const group: SimPlacementGroup = {
    ...placeOf(call),
    ...readStrategy(input),
    name,
    tags: readTagSpecifications(call, "placement-group"),
    groupId: store.nextId("pg"),
    visibleAt: store.seenAt(now),
  };
  groups.set(group.groupId, group);
  return { PlacementGroup: toOutput(group) };
}

/** Implements DeletePlacementGroup. `isUsed`: are there instances in it? */
export function deletePlacementGroup(
  groups: PlacementGroups,
  call: SimCall,
  isUsed: (group: SimPlacementGroup) => boolean,
): unknown {
  const name = findText(call.input, "GroupName") ?? "";
  const group = findOwn(groups, name, call);
  if (group === undefined) throw unknown(name);
  if (isUsed(group)) {
    throw faults.named(
      "InvalidPlacementGroup.InUse",
      `The placement group '${name}' is in use and may not be deleted.`,
    );
  }
  groups.delete(group.groupId);
  return {};
}

function findOwn(groups: PlacementGroups, name: string, call: SimCall): SimPlacementGroup | undefined {
  return [...groups.values()].find((each) => isOwn(each, call) && each.name === name);
}

function readStrategy(input: SimCall["input"]) {
  const strategy = findText(input, "Strategy") ?? "cluster";
  if (!STRATEGIES.includes(strategy)) throw faults.invalid(`Value (${strategy}) for parameter strategy is invalid.`);
  const asked = findNumber(input, "PartitionCount");
  if (asked !== undefined && strategy !== "partition") {
    throw faults.combined("The parameter PartitionCount can only be used with the partition strategy");
  }
  const count = strategy === "partition" ? (asked ?? MAX_PARTITIONS) : undefined;
  if (count !== undefined && !(count >= 1 && count <= MAX_PARTITIONS)) {
    throw faults.invalid(`Value (${count}) for parameter partitionCount is invalid. Expecting 1 to ${MAX_PARTITIONS}.`);
  }
  return { strategy, partitionCount: count };
}

function toOutput({ account, region, groupId, name, strategy, partitionCount, tags }: SimPlacementGroup) {
  return {
    GroupName: name,
    GroupId: groupId,
    GroupArn: `arn:aws:ec2:${region}:${account}:placement-group/${name}`,
    State: "available",
    Strategy: strategy,
    ...defined({ PartitionCount: partitionCount }),
    Tags: toTagList(tags),
  };
}
