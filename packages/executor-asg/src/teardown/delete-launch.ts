import {
  AutoScalingClient,
  type AutoScalingGroup,
  DeleteLaunchConfigurationCommand,
} from "@aws-sdk/client-auto-scaling";
import { DeleteLaunchTemplateCommand, EC2Client } from "@aws-sdk/client-ec2";
import { toTemplateName } from "../launch/template-name.ts";
import type { ReleaseDeps } from "../release-deps.ts";
import { deleteIfThere } from "./is-gone.ts";

/**
 * Deletes what a group was launched from: the template that its release made for it, or the configuration of the predecessor. A
 * template that somebody else gave to the group is not ours to delete.
 */
export async function deleteLaunch(
  deps: Pick<ReleaseDeps, "target" | "signal">,
  group: AutoScalingGroup,
): Promise<void> {
  const { AutoScalingGroupName = "", LaunchConfigurationName } = group;
  const template = group.LaunchTemplate ?? group.MixedInstancesPolicy?.LaunchTemplate?.LaunchTemplateSpecification;
  if (template?.LaunchTemplateName === toTemplateName(AutoScalingGroupName)) {
    await deleteTemplate(deps, template.LaunchTemplateName);
  }
  if (LaunchConfigurationName !== undefined) await deleteLaunchConfiguration(deps, LaunchConfigurationName);
}

/** All versions of it. */
export function deleteTemplate(
  { target, signal }: Pick<ReleaseDeps, "target" | "signal">,
  LaunchTemplateName: string,
): Promise<void> {
  const command = new DeleteLaunchTemplateCommand({ LaunchTemplateName });
  return deleteIfThere(() => target.client(EC2Client).send(command, { abortSignal: signal }));
}

/** It stays where a group still uses it: `ResourceInUse`. */
export function deleteLaunchConfiguration(
  { target, signal }: Pick<ReleaseDeps, "target" | "signal">,
  LaunchConfigurationName: string,
): Promise<void> {
  const command = new DeleteLaunchConfigurationCommand({ LaunchConfigurationName });
  return deleteIfThere(() => target.client(AutoScalingClient).send(command, { abortSignal: signal }));
}
