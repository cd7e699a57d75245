import { findVersion } from "../ec2/launch-template.ts";
import { allows } from "../identities.ts";
import { recordsOf } from "../input-lists.ts";
import type { SimCall } from "../sim-call.ts";
import { SimFault } from "../sim-fault.ts";
import { autoScalingFaults as faults } from "./auto-scaling-faults.ts";
import type { AutoScalingState } from "./auto-scaling-state.ts";
import type { LaunchSource } from "./sim-group.ts";

/**
 * What else a caller must be allowed who makes or changes a group. Source: user guide, "Control Amazon EC2 launch template usage
 * in Auto Scaling groups" (RunInstances, PassRole), "Identity-based policy examples" (CreateOrUpdateTags).
 */
export function checkPermissions(state: AutoScalingState, call: SimCall, source: LaunchSource | undefined): void {
  const { input } = call;
  if (recordsOf(input, "Tags").length > 0) needs(call, "autoscaling:CreateOrUpdateTags");
  const hooks = recordsOf(input, "LifecycleHookSpecificationList");
  if (hooks.some((hook) => hook["RoleARN"] !== undefined)) needs(call, "iam:PassRole");
  if (source === undefined || source.kind === "configuration") return;
  const { id, version } = source.template;
  if (!allows(call.identity.allow, "ec2:RunInstances")) {
    throw new SimFault("AccessDenied", 403, `You are not authorized to use launch template: ${id}`);
  }
  const template = state.ec2.state.launchTemplates.get(id);
  const data = template === undefined ? undefined : findVersion(template, version)?.data;
  if (data?.["IamInstanceProfile"] !== undefined) needs(call, "iam:PassRole");
}

function needs({ identity }: SimCall, action: string): void {
  if (!allows(identity.allow, action)) throw faults.denied(identity.arn, action);
}
