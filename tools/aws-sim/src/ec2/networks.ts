import { type SimCall, textsOf } from "../sim-call.ts";
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

/** DescribeSecurityGroups. Source: EC2 API reference. */
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
  /** What is answered when it is not there. */
  missing(key: string): SimFault;
}

/** A Describe operation of EC2 over what the caller may see. */
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
