import { type App, CfnOutput, type Stack } from "aws-cdk-lib";
import { FunctionAlarms } from "../alarms/function-alarms.ts";
import { Fleet } from "../fleet/fleet.ts";
import { onlyIf } from "../given.ts";
import { dispatchCommands } from "../policies/fleet-permissions.ts";
import { toQueueAddress } from "../queues/queue-address.ts";
import { TaskRunner } from "../task-runner.ts";
import { addRequirement } from "./add-requirement.ts";
import { PARAMETERS_OF } from "./parameters-of.ts";
import { addFunctionOutputs } from "./template-outputs.ts";
import { addParameters, type TemplateParameters } from "./template-parameters.ts";
import { toCode, toFunctionSettings, toTargetRights, toYardSettings } from "./template-settings.ts";
import { TemplateStack } from "./template-stack.ts";
import { findStores } from "./template-stores.ts";

const DESCRIPTION = "Stackyard: configures fleets of instances, from pipelines and at boot. Stands on a state manager.";
const RUNNER = "index.runner";

/** Adds the template of a fleet: its function with the rules, and a runner that sends commands. */
export function addFleetTemplate(app: App): Stack {
  const stack = new TemplateStack(app, "fleet", DESCRIPTION);
  const parameters = addParameters(stack, PARAMETERS_OF.fleet);
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
  new FunctionAlarms(stack, "Alarm", {
    topicArns: parameters.givenList("AlarmTopicArns"),
    functions: { Fleet: fleet.function, TaskRunner: runner.function },
  });
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
