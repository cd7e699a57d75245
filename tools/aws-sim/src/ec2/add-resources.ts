import type { Ec2State } from "./ec2-state.ts";
import type { ImageInput } from "./images.ts";
import type { PlacementGroupInput } from "./placement-groups.ts";
import type { SecurityGroupInput } from "./security-groups.ts";
import { DEFAULT_VPC, type SubnetInput } from "./subnets.ts";

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
