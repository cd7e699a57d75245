import { checkTags } from "../ec2/ec2-faults.ts";
import { findVersion, type TemplateVersion } from "../ec2/launch-templates.ts";
import { mayLaunch, type SimImage } from "../ec2/resources.ts";
import {
  findNumber,
  findRecord,
  findText,
  isOwn,
  type Place,
  placeOf,
  recordsOf,
  type SimCall,
  textOf,
  textsOf,
  toKey,
} from "../sim-call.ts";
import type { AutoScalingState, LaunchConfiguration } from "./auto-scaling-state.ts";
import { toRecordsPage } from "./describe-activities.ts";
import { autoScalingFaults as faults, type LaunchSource, type TemplateRef } from "./sim-group.ts";

/** "DescribeLaunchConfigurations", MaxRecords: 50 unless asked, at most 100; at most 50 names. */
const PAGES = { usual: 50, max: 100 };

/** Implements DescribeLaunchConfigurations: unknown names are ignored. Source: API reference. */
export function describeConfigurations(state: AutoScalingState, call: SimCall): unknown {
  const names = textsOf(call.input, "LaunchConfigurationNames");
  const found = ownConfigurations(state, call).filter(({ name }) => names.length === 0 || names.includes(name));
  const { rows, next } = toRecordsPage(found, call, PAGES);
  return { LaunchConfigurations: rows.map(toConfiguration), ...next };
}

/** Implements DeleteLaunchConfiguration: not while a group has it, unless that goes too. Source: API reference. */
export function deleteConfiguration(state: AutoScalingState, call: SimCall): unknown {
  const name = textOf(call.input, "LaunchConfigurationName");
  const key = toKey({ ...placeOf(call), name });
  if (!state.configurations.has(key)) {
    throw faults.invalid(`Launch configuration name not found - Launch configuration ${name} not found`);
  }
  const user = [...state.groups.values()].find((group) => {
    const { source } = group.settings;
    return isOwn(group, call) && source.kind === "configuration" && source.name === name && !group.isDeleting;
  });
  if (user !== undefined) {
    throw faults.inUse(
      `Cannot delete launch configuration ${name} because it is attached to AutoScalingGroup ${user.name}`,
    );
  }
  state.configurations.delete(key);
  return {};
}

/**
 * Implements DescribeAccountLimits: quotas of groups and launch configurations, and how far they are used. Source: API
 * reference.
 */
export function describeLimits(state: AutoScalingState, call: SimCall): unknown {
  const { groups, configurations } = state.settings.quotas;
  const own = [...state.groups.values()].filter((each) => isOwn(each, call));
  return {
    MaxNumberOfAutoScalingGroups: groups,
    NumberOfAutoScalingGroups: own.length,
    MaxNumberOfLaunchConfigurations: configurations,
    NumberOfLaunchConfigurations: ownConfigurations(state, call).length,
  };
}

function ownConfigurations({ configurations }: AutoScalingState, call: SimCall) {
  return [...configurations.values()].filter((each) => isOwn(each, call));
}

function toConfiguration({ account, region, name, createdAt, input }: LaunchConfiguration): unknown {
  return {
    ImageId: "ami-00000000000000000",
    InstanceType: "t3.micro",
    SecurityGroups: [],
    BlockDeviceMappings: [],
    ...input,
    LaunchConfigurationName: name,
    CreatedTime: new Date(createdAt),
    LaunchConfigurationARN: `arn:aws:autoscaling:${region}:${account}:launchConfiguration:00000000-0000-4000-8000-000000000000:launchConfigurationName/${name}`,
  };
}

type Input = Readonly<Record<string, unknown>>;

/** What an instance is launched with. */
export interface LaunchOrder {
  readonly imageId: string;
  readonly instanceType: string;
  readonly securityGroupIds: readonly string[];
  readonly placementGroup: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly isSpot: boolean;
  /** With the number of the version. */
  readonly template: TemplateRef | undefined;
  readonly configuration: string | undefined;
}

/** Why nothing can be launched, in the words of EC2. */
export interface LaunchFault {
  readonly fault: string;
}

/** Returns what is launched from a source, or why nothing is. `count`: instances that the group has already. */
export function resolveLaunch(
  state: AutoScalingState,
  place: Place,
  { source, count }: { readonly source: LaunchSource; readonly count: number },
): LaunchOrder | LaunchFault {
  if (source.kind === "configuration") return resolveConfiguration(state, place, source.name);
  const { template } = source;
  const found = state.ec2.state.launchTemplates.get(template.id);
  if (found === undefined) {
    return { fault: `The specified launch template, with template ID ${template.id}, does not exist.` };
  }
  const version = findVersion(found, template.version);
  if (version === undefined) {
    return {
      fault: `Could not find the specified version ${template.version} for the launch template with ID ${template.id}.`,
    };
  }
  const order = toOrder(version, { ...template, version: String(version.number) });
  const mixed = source.kind === "mixed" ? { ...order, ...toMix(source.policy, order, count) } : order;
  return findFault(state, place, mixed) ?? mixed;
}

function resolveConfiguration(state: AutoScalingState, place: Place, name: string): LaunchOrder | LaunchFault {
  const found = state.configurations.get(toKey({ account: place.account, region: place.region, name }));
  if (found === undefined) return { fault: `Launch configuration name not found - ${name}` };
  const { input } = found;
  return {
    imageId: findText(input, "ImageId") ?? "ami-00000000000000000",
    instanceType: findText(input, "InstanceType") ?? "t3.micro",
    securityGroupIds: textsOf(input, "SecurityGroups"),
    placementGroup: undefined,
    tags: {},
    isSpot: input["SpotPrice"] !== undefined,
    template: undefined,
    configuration: name,
  };
}

function toOrder({ data }: TemplateVersion, template: TemplateRef): LaunchOrder {
  const interfaces = recordsOf(data, "NetworkInterfaces").flatMap((each) => textsOf(each, "Groups"));
  const specifications = recordsOf(data, "TagSpecifications").filter((each) => each["ResourceType"] === "instance");
  return {
    imageId: findText(data, "ImageId") ?? "",
    instanceType: findText(data, "InstanceType") ?? "m1.small",
    securityGroupIds: [...textsOf(data, "SecurityGroupIds"), ...interfaces],
    placementGroup: findText(findRecord(data, "Placement") ?? {}, "GroupName"),
    tags: checkTags(specifications.flatMap((each) => recordsOf(each, "Tags"))),
    isSpot: findText(findRecord(data, "InstanceMarketOptions") ?? {}, "MarketType") === "spot",
    template,
    configuration: undefined,
  };
}

/**
 * Follows the user guide, "Auto Scaling groups with multiple instance types and purchase options": the base is on
 * demand, then by percent.
 */
function toMix(policy: Input, order: LaunchOrder, count: number): Pick<LaunchOrder, "instanceType" | "isSpot"> {
  const types = recordsOf(findRecord(policy, "LaunchTemplate") ?? {}, "Overrides").flatMap((each) => {
    const type = findText(each, "InstanceType");
    return type === undefined ? [] : [type];
  });
  const distribution = findRecord(policy, "InstancesDistribution") ?? {};
  const base = findNumber(distribution, "OnDemandBaseCapacity") ?? 0;
  const percent = findNumber(distribution, "OnDemandPercentageAboveBaseCapacity") ?? 100;
  const onDemandOf = (size: number) => base + Math.ceil(((size - base) * percent) / 100);
  const isSpot = count >= base && onDemandOf(count + 1) === onDemandOf(count);
  return { instanceType: types[count % Math.max(1, types.length)] ?? order.instanceType, isSpot };
}

/**
 * Returns what EC2 would reject. Source: EC2 API reference, "Error codes": the messages of the resources that are not
 * there.
 */
function findFault({ ec2 }: AutoScalingState, place: Place, order: LaunchOrder): LaunchFault | undefined {
  const { images, securityGroups, placementGroups } = ec2.state;
  const { imageId, securityGroupIds, placementGroup } = order;
  const image = images.get(imageId);
  const fault = findImageFault(image, place, order);
  if (fault !== undefined) return { fault };
  const missing = securityGroupIds.find((id) => securityGroups.get(id)?.account !== place.account);
  if (missing !== undefined) return { fault: `The security group '${missing}' does not exist` };
  const isKnown = [...placementGroups.values()].some(
    ({ name, account, region }) => name === placementGroup && account === place.account && region === place.region,
  );
  if (placementGroup === undefined || isKnown) return;
  return { fault: `The Placement Group '${placementGroup}' is unknown.` };
}

function findImageFault(image: SimImage | undefined, place: Place, order: LaunchOrder): string | undefined {
  const { imageId, instanceType } = order;
  if (imageId === "") return "The request must contain the parameter ImageId";
  if (image === undefined || image.region !== place.region || !mayLaunch(image, place.account)) {
    return `The image id '[${imageId}]' does not exist`;
  }
  if (image.state !== "available") return `The image id '[${imageId}]' is not in a valid state: ${image.state}`;
  const architecture = architectureOf(instanceType);
  if (architecture === image.architecture) return;
  return `The architecture '${architecture}' of the specified instance type does not match the architecture '${image.architecture}' of the specified AMI. Specify an instance type and an AMI that have matching architectures, and try again.`;
}

/**
 * Follows the EC2 user guide, "Amazon EC2 instance type naming conventions": a `g` after the generation is AWS
 * Graviton; so is the A1.
 */
function architectureOf(instanceType: string): SimImage["architecture"] {
  return /^(a1|[a-z-]+\d+[a-z]*g[a-z]*)\./.test(instanceType) ? "arm64" : "x86_64";
}
