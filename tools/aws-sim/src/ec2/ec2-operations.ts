import type { SimService } from "../sim-call.ts";
import {
  createLaunchTemplate,
  createLaunchTemplateVersion,
  deleteLaunchTemplate,
  deleteLaunchTemplateVersions,
  modifyLaunchTemplate,
} from "./change-launch-templates.ts";
import { describeInstances } from "./describe-instances.ts";
import { describeLaunchTemplates, describeLaunchTemplateVersions } from "./describe-launch-templates.ts";
import type { Ec2State } from "./ec2-state.ts";
import { describeImages } from "./images.ts";
import {
  createPlacementGroup,
  deletePlacementGroup,
  describePlacementGroups,
  type SimPlacementGroup,
} from "./placement-groups.ts";
import { describeSecurityGroups } from "./security-groups.ts";
import { stateOf } from "./sim-instance.ts";
import { describeSubnets } from "./subnets.ts";

/** What EC2 serves. */
export function ec2Operations(state: Ec2State): SimService["operations"] {
  return {
    DescribeInstances: (call) => describeInstances([...state.instances.values()], call),
    DescribeImages: (call) => describeImages(state.images.values(), call),
    DescribeSubnets: (call) => describeSubnets(state.subnets.values(), call),
    DescribeSecurityGroups: (call) => describeSecurityGroups(state.securityGroups.values(), call),
    DescribePlacementGroups: (call) => describePlacementGroups(state.placementGroups, call),
    CreatePlacementGroup: (call) => createPlacementGroup(state, call),
    DeletePlacementGroup: (call) =>
      deletePlacementGroup(state.placementGroups, call, (group) => isUsed(state, group, call.now)),
    CreateLaunchTemplate: (call) => createLaunchTemplate(state, call),
    CreateLaunchTemplateVersion: (call) => createLaunchTemplateVersion(state, call),
    DescribeLaunchTemplates: (call) => describeLaunchTemplates(state.launchTemplates.values(), call),
    DescribeLaunchTemplateVersions: (call) => describeLaunchTemplateVersions(state.launchTemplates.values(), call),
    ModifyLaunchTemplate: (call) => modifyLaunchTemplate(state, call),
    DeleteLaunchTemplate: (call) => deleteLaunchTemplate(state, call),
    DeleteLaunchTemplateVersions: (call) => deleteLaunchTemplateVersions(state, call),
  };
}

function isUsed({ instances }: Ec2State, { account, region, name }: SimPlacementGroup, now: number): boolean {
  return [...instances.values()].some(
    (each) =>
      each.account === account &&
      each.region === region &&
      each.launch?.placementGroup === name &&
      stateOf(each, now) !== "terminated",
  );
}
