import type { SimCall } from "../sim-call.ts";
import { describeResources, type ResourceKind } from "./describe-resources.ts";
import { ec2Faults as faults } from "./ec2-faults.ts";
import { type Ec2Resource, ownOf } from "./ec2-place.ts";
import { toTagList } from "./ec2-tags.ts";

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

const KIND: ResourceKind<SimSecurityGroup> = {
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
  return describeResources(ownOf(groups, call), KIND, call);
}
