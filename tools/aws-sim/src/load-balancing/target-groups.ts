import type { SimCall } from "../sim-call.ts";
import { SimFault } from "../sim-fault.ts";
import type { TargetGroup } from "./target-group.ts";

/** Groups by their ARNs. */
export type TargetGroups = ReadonlyMap<string, TargetGroup>;

/** The group, if it is the caller's, in the region that was asked. */
export function openTargetGroup(groups: TargetGroups, arn: string, call: SimCall): TargetGroup {
  const group = groups.get(arn);
  if (group === undefined || !isOwn(group, call)) throw notFound();
  return group;
}

/** The groups of the caller's account and region, in the order of their making. */
export function listOwnGroups(groups: TargetGroups, call: SimCall): readonly TargetGroup[] {
  return [...groups.values()].filter((group) => isOwn(group, call));
}

/** API reference, "DescribeTargetGroups", errors. */
export function notFound(): SimFault {
  return new SimFault("TargetGroupNotFoundException", 400, "One or more target groups not found");
}

function isOwn({ account, region }: TargetGroup, { identity, region: asked }: SimCall): boolean {
  return account === identity.account && region === asked;
}
