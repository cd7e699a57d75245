import { CfnMapping, Fn, type Stack, Token } from "aws-cdk-lib";
import { Code } from "aws-cdk-lib/aws-lambda";
import { Bucket } from "aws-cdk-lib/aws-s3";
import type { Subnets } from "../functions/app-function.ts";
import { type Conditional, onlyIf, toCfnText } from "../given.ts";
import { TIMES_TIMEOUT } from "../queues/yard-queues.ts";
import { PARAMETERS, type ParameterName } from "./parameter-definitions.ts";
import type { TemplateParameters } from "./template-parameters.ts";

/** Returns the settings that both apps share. */
export function toYardSettings(parameters: TemplateParameters) {
  const prefix = parameters.text("MessagePrefix");
  const bucket = parameters.given("MessageBucket");
  return {
    yardName: parameters.text("YardName"),
    logLevel: parameters.text("LogLevel"),
    otlpEndpoint: parameters.given("OtlpEndpoint"),
    queueKeyArn: parameters.given("QueueKeyArn"),
    messages: onlyIf(bucket.condition, { bucket: bucket.value, prefix }),
  };
}

/** Returns the settings that functions share. */
export function toFunctionSettings(parameters: TemplateParameters) {
  return {
    subnets: toSubnets(parameters, "SubnetIds", "SecurityGroupIds"),
    logRetentionDays: parameters.number("LogRetentionDays"),
    permissionsBoundaryArn: parameters.given("PermissionsBoundaryArn"),
  };
}

/** Returns the state manager's own settings. */
export function toStateManagerSettings(parameters: TemplateParameters, scope: Stack) {
  return {
    ...toFunctionSettings(parameters),
    code: toCode(scope, parameters, "StateManager"),
    memoryMb: parameters.number("StateManagerMemory"),
    reservedConcurrency: parameters.givenNumber("StateManagerReservedConcurrency"),
    environment: {
      EXECUTORS: parameters.given("Executors"),
      REFUSED_EVENTS: parameters.text("RefusedEvents"),
      REFUSED_EVENTS_KEEP: parameters.text("RefusedEventsKeep"),
      AUTOMATIC_TRANSITIONS_PER_HOUR: parameters.text("AutomaticTransitionsPerHour"),
      HISTORY_RETENTION_DAYS: parameters.text("HistoryRetentionDays"),
      ALLOW_EXTERNAL_NEXT: parameters.text("AllowExternalNext"),
    },
  };
}

/** Returns what a runner may do, in a function and in a container. */
export function toRunnerRights(parameters: TemplateParameters) {
  return {
    functionArns: parameters.givenList("FunctionArns"),
    sourceBucketArns: parameters.givenList("SourceBucketArns"),
    ...toTargetRights(parameters),
    environment: { TERRAFORM_STATE_URL: parameters.given("TerraformStateUrl") },
    managedPolicyArns: parameters.givenList("TaskRunnerPolicyArns"),
    permissionsBoundaryArn: parameters.given("PermissionsBoundaryArn"),
  };
}

/** Returns how a runner assumes roles in other accounts. */
export function toTargetRights(parameters: TemplateParameters) {
  return {
    targetRoleArns: parameters.givenList("TargetRoleArns"),
    targetRole: parameters.given("TargetRole"),
    targetExternalId: parameters.given("TargetExternalId"),
    sessionTags: parameters.text("SessionTags"),
  };
}

/** Returns the task runner's own settings. */
export function toTaskRunnerSettings(parameters: TemplateParameters, scope: Stack) {
  return {
    ...toFunctionSettings(parameters),
    ...toRunnerRights(parameters),
    code: toCode(scope, parameters, "TaskRunner"),
    image: parameters.given("TaskRunnerImageUri"),
    // One of the two values that the parameter allows.
    architecture: parameters.text("TaskRunnerArchitecture"),
    memoryMb: parameters.number("TaskRunnerMemory"),
    timeoutSeconds: parameters.number("TaskRunnerTimeout"),
    maxConcurrency: parameters.givenNumber("TaskConcurrency"),
    reservedConcurrency: parameters.givenNumber("TaskRunnerReservedConcurrency"),
  };
}

/** Templates cannot multiply: a mapping contains how long a task is hidden. */
export function addTaskVisibility(stack: Stack): number {
  const rows = PARAMETERS.TaskRunnerTimeout.values.map((seconds) => [
    String(seconds),
    { VisibilitySeconds: TIMES_TIMEOUT * seconds },
  ]);
  const { logicalId } = new CfnMapping(stack, "TaskRunnerTimes", { mapping: Object.fromEntries(rows) });
  return Token.asNumber(Fn.findInMap(logicalId, Fn.ref("TaskRunnerTimeout"), "VisibilitySeconds"));
}

/** Returns subnets and security groups, if subnets are set. */
export function toSubnets(
  parameters: TemplateParameters,
  subnets: ParameterName,
  securityGroups: ParameterName,
): Conditional<Subnets> {
  const { condition, value: subnetIds } = parameters.givenList(subnets);
  return onlyIf(condition, { subnetIds, securityGroupIds: parameters.list(securityGroups) });
}

/** Returns the zip of an app. */
export function toCode(
  scope: Stack,
  parameters: TemplateParameters,
  app: "StateManager" | "TaskRunner" | "EcsTask" | "Fleet" | "Releases" | "Distributor",
): Code {
  const bucket = Bucket.fromBucketName(scope, `${app}CodeBucketReference`, parameters.text("CodeBucket"));
  const version = parameters.given(`${app}CodeVersion`);
  return Code.fromBucketV2(bucket, parameters.text(`${app}CodeKey`), { objectVersion: toCfnText(version) });
}
