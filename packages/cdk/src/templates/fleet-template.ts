import { type App, CfnOutput, Fn, type Stack } from "aws-cdk-lib";
import { Fleet } from "../fleet/fleet.ts";
import {
  createApplyDocument,
  createFleetAssociation,
  createLaunchHook,
  FleetInstanceProfile,
  PatchWindow,
} from "../fleet/instances.ts";
import { onlyIf } from "../given.ts";
import { dispatchCommands } from "../policies/fleet-permissions.ts";
import { toQueueAddress } from "../queues.ts";
import { TaskRunner } from "../task-runner.ts";
import { addRequirement, openTemplate, type TemplateParameters } from "./template-parameters.ts";
import {
  addFunctionAlarms,
  findStores,
  findTaskLogs,
  toCode,
  toFunctionSettings,
  toTargetRights,
  toYardSettings,
} from "./template-settings.ts";
import { addFunctionOutputs } from "./template-stack.ts";

const FLEET_DESCRIPTION =
  "Stackyard: configures fleets of instances, from pipelines and at boot. Stands on a state manager.";
const RUNNER = "index.runner";

/** Adds the template of a fleet: its function with the rules, and a runner that sends commands. */
export function addFleetTemplate(app: App): Stack {
  const { stack, parameters } = openTemplate(app, "fleet", FLEET_DESCRIPTION);
  const queues = {
    events: toQueueAddress(parameters.text("EventQueueArn")),
    tasks: toQueueAddress(parameters.text("TaskQueueArn")),
    taskDeadLetters: toQueueAddress(parameters.text("TaskDeadLetterQueueArn")),
  };
  const code = toCode(stack, parameters, "Fleet");
  const common = {
    ...toYardSettings(parameters),
    ...toFunctionSettings(parameters),
    code,
    stores: findStores(parameters),
  };
  const fleet = new Fleet(stack, "Fleet", { ...common, queues, ...toFleetSettings(parameters) });
  const runner = new TaskRunner(stack, "TaskRunner", {
    ...common,
    ...toTargetRights(parameters),
    queues,
    taskLogs: findTaskLogs(parameters),
    handler: RUNNER,
    memoryMb: parameters.number("TaskRunnerMemory"),
    timeoutSeconds: parameters.number("TaskRunnerTimeout"),
    maxConcurrency: parameters.givenNumber("TaskConcurrency"),
    reservedConcurrency: parameters.givenNumber("TaskRunnerReservedConcurrency"),
    managedPolicyArns: parameters.givenList("TaskRunnerPolicyArns"),
    environment: { FLEET_REPORT_URL: parameters.given("FleetReportUrl") },
    permissions: dispatchCommands({
      documentArns: parameters.givenList("DocumentArns"),
      artifactArns: parameters.givenList("ArtifactArns"),
    }),
  });
  addFunctionAlarms(stack, parameters, { Fleet: fleet.function, TaskRunner: runner.function });
  addRequirement(stack, { parameter: "ConnectionSecretArn", value: "", needs: "StacksTable" });
  addRequirement(stack, { parameter: "StacksTable", needs: "WorkTable" });
  addRequirement(stack, { parameter: "BootBucket", needs: "BootPipeline" });
  addRequirement(stack, { parameter: "BootPipeline", needs: "BootArtifact" });
  addFunctionOutputs(stack, "Fleet", fleet.function);
  addFunctionOutputs(stack, "TaskRunner", runner.function);
  new CfnOutput(stack, "FleetFunctionArn", {
    value: fleet.function.arn,
    description: "Function of the pipeline's Invoke action; the pipeline's role needs lambda:InvokeFunction on it.",
  });
  return stack;
}

function toFleetSettings(parameters: TemplateParameters) {
  const { condition, value: bucket } = parameters.given("BootBucket");
  return {
    newestArtifacts: onlyIf(condition, { bucket, prefix: parameters.given("BootPrefix") }),
    environmentName: parameters.text("FleetEnvironment"),
    reportUrl: parameters.given("FleetReportUrl"),
    bootState: parameters.text("Boot"),
    autoScalingGroupArns: parameters.givenList("AutoScalingGroupArns"),
    environment: {
      BOOT_PROFILE: parameters.text("BootProfile"),
      BOOT_FALLBACK: onlyIf(condition, "newest"),
      BOOT_SOURCE_BUCKET: onlyIf(condition, bucket),
      BOOT_SOURCE_PIPELINE: parameters.given("BootPipeline"),
      BOOT_SOURCE_ARTIFACT: parameters.given("BootArtifact"),
    },
  };
}

const INSTANCES_DESCRIPTION =
  "Stackyard: resources for instances: document, instance profile, association, launch hook, patch window.";
/** The tag must have exactly one of these values. */
const TAG = { tagKey: "has_ssm_agent", tagValues: ["true", "True"] } as const;

/** Adds the template for an account and region with instances. */
export function addFleetInstancesTemplate(app: App): Stack {
  const { stack, parameters } = openTemplate(app, "fleet-instances", INSTANCES_DESCRIPTION);
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
