import type { SimCall } from "../sim-call.ts";
import { describeResources, type ResourceKind } from "./describe-resources.ts";
import { ec2Faults as faults } from "./ec2-faults.ts";
import { type Ec2Resource, ownOf } from "./ec2-place.ts";
import { toTagList } from "./ec2-tags.ts";

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
