import { type App, CfnOutput, Fn, type Stack } from "aws-cdk-lib";
import { createApplyDocument } from "../fleet/apply-document.ts";
import { createFleetAssociation } from "../fleet/fleet-association.ts";
import { FleetInstanceProfile } from "../fleet/instance-profile.ts";
import { createLaunchHook } from "../fleet/launch-hook.ts";
import { PatchWindow } from "../fleet/patch-window.ts";
import { onlyIf } from "../given.ts";
import { addRequirement } from "./add-requirement.ts";
import { PARAMETERS_OF } from "./parameters-of.ts";
import { addParameters, type TemplateParameters } from "./template-parameters.ts";
import { TemplateStack } from "./template-stack.ts";

const DESCRIPTION =
  "Stackyard: what lies beside instances: document, instance profile, association, launch hook, patch window.";
/** The tag must have exactly one of these values. */
const TAG = { tagKey: "has_ssm_agent", tagValues: ["true", "True"] } as const;

/** Adds the template for an account and region with instances. */
export function addFleetInstancesTemplate(app: App): Stack {
  const stack = new TemplateStack(app, "fleet-instances", DESCRIPTION);
  const parameters = addParameters(stack, PARAMETERS_OF["fleet-instances"]);
  const document = createApplyDocument(stack, "ApplyArtifactDocument");
  const output = parameters.given("OutputBucket");
  const profile = new FleetInstanceProfile(stack, "Instance", {
    artifacts: { bucket: parameters.text("ArtifactBucket"), prefix: parameters.text("ArtifactPrefix") },
    output: onlyIf(output.condition, { bucket: output.value, prefix: parameters.text("OutputPrefix") }),
    permissionsBoundaryArn: parameters.given("PermissionsBoundaryArn"),
  });
  addAssociation(stack, parameters, document.ref);
  const group = parameters.given("LaunchGroupName");
  createLaunchHook(stack, "LaunchHook", {
    autoScalingGroupName: group.value,
    heartbeatSeconds: parameters.number("LaunchHeartbeat"),
    condition: group.condition,
  });
  addPatchWindow(stack, parameters);
  addRequirement(stack, { parameter: "AssociatedArtifact", needs: "AssociatedSha256" });
  new CfnOutput(stack, "DocumentName", { value: document.ref, description: "Document that applies artifacts." });
  new CfnOutput(stack, "InstanceProfileName", { value: profile.name, description: "Instance profile of the fleet." });
  new CfnOutput(stack, "InstanceProfileArn", { value: profile.arn, description: "The same, for launch templates." });
  return stack;
}

function addAssociation(stack: Stack, parameters: TemplateParameters, documentName: string): void {
  const artifact = parameters.given("AssociatedArtifact");
  createFleetAssociation(stack, "Association", {
    name: Fn.join("-", ["stackyard", parameters.text("YardName"), "apply-artifact"]),
    ...TAG,
    documentName,
    artifactLocation: artifact.value,
    artifactSha256: parameters.text("AssociatedSha256"),
    entryPoint: parameters.text("AssociatedEntryPoint"),
    timeoutSeconds: "600",
    maxConcurrency: parameters.text("AssociationConcurrency"),
    maxErrors: parameters.text("AssociationErrors"),
    condition: artifact.condition,
  });
}

function addPatchWindow(stack: Stack, parameters: TemplateParameters): void {
  const schedule = parameters.given("PatchSchedule");
  new PatchWindow(stack, "Patch", {
    name: Fn.join("-", ["stackyard", parameters.text("YardName"), "patches"]),
    ...TAG,
    schedule: schedule.value,
    condition: schedule.condition,
    timeZone: parameters.text("PatchTimeZone"),
    durationHours: parameters.number("PatchDurationHours"),
    cutoffHours: parameters.number("PatchCutoffHours"),
    cutoffBehavior: parameters.text("PatchCutoffBehavior"),
    operation: parameters.text("PatchOperation"),
    rebootOption: parameters.text("PatchRebootOption"),
    maxConcurrency: parameters.text("PatchConcurrency"),
    maxErrors: parameters.text("PatchErrors"),
  });
}
