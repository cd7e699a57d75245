import { textsOf } from "../input-lists.ts";
import { type SimCall, textOf } from "../sim-call.ts";
import { autoScalingFaults as faults } from "./auto-scaling-faults.ts";
import type { AutoScalingState, LaunchConfiguration } from "./auto-scaling-state.ts";
import { toGroupKey } from "./group-key.ts";
import { toRecordsPage } from "./to-records-page.ts";

/** "DescribeLaunchConfigurations", MaxRecords: 50 unless asked, at most 100; at most 50 names. */
const PAGES = { usual: 50, max: 100 };

/** CreateLaunchConfiguration. Source: user guide, "Auto Scaling launch configurations": accounts since 2024-10-01 have none. */
export function createConfiguration(state: AutoScalingState, call: SimCall): unknown {
  const { input, identity, region, now } = call;
  if (state.settings.launchConfigurations === "refused") {
    throw faults.unsupported(
      "The Launch Configuration creation operation is not available in your account. Use launch templates to create configuration templates for your Auto Scaling groups.",
    );
  }
  const name = textOf(input, "LaunchConfigurationName");
  const place = { account: identity.account, region, name };
  if (state.configurations.has(toGroupKey(place))) {
    throw faults.exists(
      `Launch Configuration by this name already exists - A launch configuration already exists with the name ${name}`,
    );
  }
  if (ownConfigurations(state, call).length >= state.settings.quotas.configurations) {
    throw faults.limit(`The limit of ${state.settings.quotas.configurations} launch configurations has been reached.`);
  }
  state.configurations.set(toGroupKey(place), { ...place, createdAt: now, input });
  return {};
}

/** DescribeLaunchConfigurations: unknown names are no error. Source: API reference. */
export function describeConfigurations(state: AutoScalingState, call: SimCall): unknown {
  const names = textsOf(call.input, "LaunchConfigurationNames");
  const found = ownConfigurations(state, call).filter(({ name }) => names.length === 0 || names.includes(name));
  const { rows, next } = toRecordsPage(found, call, PAGES);
  return { LaunchConfigurations: rows.map(toConfiguration), ...next };
}

/** DeleteLaunchConfiguration: not while a group has it, unless that goes too. Source: API reference. */
export function deleteConfiguration(state: AutoScalingState, call: SimCall): unknown {
  const { identity, region } = call;
  const name = textOf(call.input, "LaunchConfigurationName");
  const key = toGroupKey({ account: identity.account, region, name });
  if (!state.configurations.has(key)) {
    throw faults.invalid(`Launch configuration name not found - Launch configuration ${name} not found`);
  }
  const user = [...state.groups.values()].find(
    ({ account, settings: { source }, isDeleting, ...group }) =>
      account === identity.account &&
      group.region === region &&
      source.kind === "configuration" &&
      source.name === name &&
      !isDeleting,
  );
  if (user !== undefined) {
    throw faults.inUse(
      `Cannot delete launch configuration ${name} because it is attached to AutoScalingGroup ${user.name}`,
    );
  }
  state.configurations.delete(key);
  return {};
}

/** DescribeAccountLimits: quotas of groups and launch configurations, and how far they are used. Source: API reference. */
export function describeLimits(state: AutoScalingState, call: SimCall): unknown {
  const { groups, configurations } = state.settings.quotas;
  const own = [...state.groups.values()].filter(
    ({ account, region }) => account === call.identity.account && region === call.region,
  );
  return {
    MaxNumberOfAutoScalingGroups: groups,
    NumberOfAutoScalingGroups: own.length,
    MaxNumberOfLaunchConfigurations: configurations,
    NumberOfLaunchConfigurations: ownConfigurations(state, call).length,
  };
}

function ownConfigurations({ configurations }: AutoScalingState, { identity, region }: SimCall) {
  return [...configurations.values()].filter((each) => each.account === identity.account && each.region === region);
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
