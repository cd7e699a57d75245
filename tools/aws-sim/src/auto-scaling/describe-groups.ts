import { recordsOf, textsOf } from "../input-lists.ts";
import type { SimCall } from "../sim-call.ts";
import { autoScalingFaults as faults } from "./auto-scaling-faults.ts";
import { type AutoScalingState, ownGroups } from "./auto-scaling-state.ts";
import { toGroupOutput, toMemberOutput } from "./group-output.ts";
import type { SimGroup } from "./sim-group.ts";
import { toRecordsPage } from "./to-records-page.ts";

/** "DescribeAutoScalingGroups", MaxRecords: 50 unless asked, at most 100. "DescribeAutoScalingInstances": at most 50. */
const GROUP_PAGES = { usual: 50, max: 100 };
const INSTANCE_PAGES = { usual: 50, max: 50 };

/** DescribeAutoScalingGroups: by names, of which unknown ones are no error, and by tags. Source: API reference. */
export function describeGroups(state: AutoScalingState, call: SimCall): unknown {
  const names = textsOf(call.input, "AutoScalingGroupNames");
  const filters = recordsOf(call.input, "Filters").map(toFilter);
  const found = ownGroups(state, call)
    .filter(({ name }) => names.length === 0 || names.includes(name))
    .filter((group) => filters.every((fits) => fits(group)));
  const { rows, next } = toRecordsPage(found, call, GROUP_PAGES);
  return { AutoScalingGroups: rows.map(toGroupOutput), ...next };
}

/** DescribeAutoScalingInstances: instances of all groups, by id. */
export function describeGroupInstances(state: AutoScalingState, call: SimCall): unknown {
  const ids = textsOf(call.input, "InstanceIds");
  const all = ownGroups(state, call).flatMap((group) => group.members.map((member) => ({ group, member })));
  const found = all.filter(({ member }) => ids.length === 0 || ids.includes(member.instanceId));
  const { rows, next } = toRecordsPage(found, call, INSTANCE_PAGES);
  const described = rows.map(({ group, member }) => {
    return {
      ...toMemberOutput(member),
      HealthStatus: member.healthStatus.toUpperCase(),
      AutoScalingGroupName: group.name,
    };
  });
  return { AutoScalingInstances: described, ...next };
}

type Fits = (group: SimGroup) => boolean;

/** `tag:KEY`, `tag-key`, `tag-value`: values are ORed, filters are ANDed ("Filter"). */
function toFilter({ Name, Values }: SimCall["input"]): Fits {
  const name = String(Name);
  const values: readonly unknown[] = Array.isArray(Values) ? Values : [];
  if (name.startsWith("tag:")) {
    return ({ tags }) => tags.some(({ key, value }) => key === name.slice("tag:".length) && values.includes(value));
  }
  if (name === "tag-key") return ({ tags }) => tags.some(({ key }) => values.includes(key));
  if (name === "tag-value") return ({ tags }) => tags.some(({ value }) => values.includes(value));
  throw faults.invalid(`Filter type ${name} is not correct. Allowed Filter types are: tag-key tag-value tag:<key>`);
}
