import { CfnCondition, CfnMapping, Fn, type Stack, Token } from "aws-cdk-lib";
import type { CfnTable } from "aws-cdk-lib/aws-dynamodb";
import { Code } from "aws-cdk-lib/aws-lambda";
import { Bucket } from "aws-cdk-lib/aws-s3";
import { FunctionAlarms, type FunctionAlarmsProps } from "../alarms.ts";
import type { Subnets } from "../app-function.ts";
import { type Conditional, type Given, onlyIf, toCfnText } from "../given.ts";
import { LongTaskService } from "../long-task-service.ts";
import type { BucketPrefix } from "../policies/yard-permissions.ts";
import { type QueueAddress, TIMES_TIMEOUT, type YardQueuesProps } from "../queues.ts";
import {
  createStacksTable,
  createTaskLogBucket,
  createWorkTable,
  type TableAddress,
  toExistingTable,
  toTableAddress,
} from "../stores.ts";
import type { UploadSettings } from "../upload-encryption.ts";
import type { StoreChoices, TaskRunnerQueues } from "../yard-settings.ts";
import { PARAMETERS, type ParameterName } from "./parameter-definitions.ts";
import type { ParameterDefinition } from "./parameter-forms.ts";
import type { TemplateParameters } from "./template-parameters.ts";
import { addOutput } from "./template-stack.ts";

/** Returns how uploads name their encryption. */
export function toUploadSettings(parameters: TemplateParameters): UploadSettings {
  const name = "S3Encryption";
  return { uploadEncryption: { value: parameters.text(name), keyArn: parameters.givenArn(name) } };
}

/** Returns the settings that both apps share. */
export function toYardSettings(parameters: TemplateParameters) {
  const prefix = parameters.text("MessagePrefix");
  const bucket = parameters.given("MessageBucket");
  return {
    yardName: parameters.text("YardName"),
    logLevel: parameters.text("LogLevel"),
    otlpEndpoint: parameters.given("OtlpEndpoint"),
    queueKeyArn: parameters.given("QueueKeyArn"),
    sealKeyArn: parameters.given("SealKeyArn"),
    ...toUploadSettings(parameters),
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
      AUDIT_RETENTION_DAYS: parameters.text("AuditRetentionDays"),
      ALLOW_EXTERNAL_NEXT: parameters.text("AllowExternalNext"),
      QUEUE_SENDERS: parameters.given("QueueSenders"),
    },
  };
}

/** Returns a runner's permissions, in a function and in a container. */
export function toRunnerRights(parameters: TemplateParameters) {
  return {
    functionArns: parameters.givenList("FunctionArns"),
    sourceBucketArns: parameters.givenList("SourceBucketArns"),
    ...toTargetRights(parameters),
    distributorArn: parameters.given("DistributorArn"),
    readsAlarms: parameters.condition("ReadsAlarms", "ReadAlarms", "true"),
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

/** Adds the alarms of a template's functions, by the names of the alarms. */
export function addFunctionAlarms(
  stack: Stack,
  parameters: TemplateParameters,
  functions: FunctionAlarmsProps["functions"],
): void {
  new FunctionAlarms(stack, "Alarm", { topicArns: parameters.givenList("AlarmTopicArns"), functions });
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
  app: "StateManager" | "TaskRunner" | "EcsTask" | "Fleet" | "Releases" | "Distributor" | "Services",
): Code {
  const bucket = Bucket.fromBucketName(scope, `${app}CodeBucketReference`, parameters.text("CodeBucket"));
  const version = parameters.given(`${app}CodeVersion`);
  return Code.fromBucketV2(bucket, parameters.text(`${app}CodeKey`), { objectVersion: toCfnText(version) });
}

/** Returns the settings of a template's queues. */
export function toQueueSettings(stack: Stack, parameters: TemplateParameters): YardQueuesProps {
  const isMain = parameters.condition("IsMainYard", "YardName", "main");
  const hasNone = parameters.condition("HasNoLongTasks", "LongTasks", "none");
  return {
    prefix: Token.asString(Fn.conditionIf(isMain.logicalId, "", `${parameters.text("YardName")}-`)),
    keepsOrder: parameters.condition("KeepsOrder", "EventOrder", "fifo"),
    hasLongTasks: new CfnCondition(stack, "HasLongTasks", { expression: Fn.conditionNot(hasNone) }),
    eventSenders: {
      topicArn: parameters.given("EventTopicArn"),
      ruleArns: parameters.givenList("EventRuleArns"),
      principals: parameters.givenList("EventSenderArns"),
    },
    taskVisibilitySeconds: addTaskVisibility(stack),
  };
}

/**
 * Adds the store of a template that creates one: a database if its secret is named, else tables, created unless they
 * are named.
 */
export function addStores(stack: Stack, parameters: TemplateParameters): StoreChoices {
  const secret = parameters.given("ConnectionSecretArn");
  const usesTables = parameters.condition("UsesTables", "ConnectionSecretArn", "");
  const yard = parameters.text("YardName");
  const makes = (name: "ExistingStacksTable" | "ExistingWorkTable") =>
    new CfnCondition(stack, name.replace("Existing", "Makes"), {
      expression: Fn.conditionAnd(usesTables, Fn.conditionEquals(parameters.text(name), "")),
    });
  const makesStacks = makes("ExistingStacksTable");
  const makesWork = makes("ExistingWorkTable");
  const stacks = createStacksTable(stack, "StacksTable", {
    name: `stackyard-${yard}-stacks`,
    condition: makesStacks,
  });
  const work = createWorkTable(stack, "WorkTable", { name: `stackyard-${yard}-stacks-work`, condition: makesWork });
  const toAddress = (condition: CfnCondition, table: CfnTable, existing: ParameterName) =>
    either(condition, toTableAddress(table), toExistingTable(parameters.text(existing)));
  return [
    onlyIf(usesTables, {
      kind: "dynamodb",
      stacks: toAddress(makesStacks, stacks, "ExistingStacksTable"),
      work: toAddress(makesWork, work, "ExistingWorkTable"),
    }),
    onlyIf(secret.condition, { kind: "postgres", secretArn: secret.value }),
  ];
}

/** Returns the store of a template, which may have one or none. */
export function findStores(parameters: TemplateParameters): StoreChoices {
  const stacks = parameters.given("StacksTable");
  const secret = parameters.given("ConnectionSecretArn");
  return [
    onlyIf(stacks.condition, {
      kind: "dynamodb",
      stacks: toExistingTable(stacks.value),
      work: toExistingTable(parameters.text("WorkTable")),
    }),
    onlyIf(secret.condition, { kind: "postgres", secretArn: secret.value }),
  ];
}

/**
 * Adds outputs that repeat parameters which the other stacks of the yard must share, so that `apps deploy` finds them
 * there. An optional parameter without a value has no output.
 */
export function addSharedOutputs(stack: Stack, parameters: TemplateParameters, names: readonly ParameterName[]): void {
  for (const name of names) {
    const definition: ParameterDefinition = PARAMETERS[name];
    const output = addOutput(stack, name, parameters.text(name), "As given.");
    if (definition.default === "") output.condition = parameters.given(name).condition;
  }
}

/** Adds the bucket for the runners' logs in the template of a whole yard: the named one, or a new one. */
export function addTaskLogs(stack: Stack, parameters: TemplateParameters): BucketPrefix {
  const makes = parameters.condition("MakesTaskLogs", "ExistingTaskLogBucket", "");
  const made = createTaskLogBucket(stack, "TaskLogs", makes).ref;
  const existing = parameters.text("ExistingTaskLogBucket");
  const bucket = Token.asString(Fn.conditionIf(makes.logicalId, made, existing));
  return { bucket, prefix: parameters.text("TaskLogPrefix") };
}

/** Returns the bucket for the runners' logs in another template, if one is named. */
export function findTaskLogs(parameters: TemplateParameters): Conditional<BucketPrefix> {
  const { condition, value: bucket } = parameters.given("TaskLogBucket");
  return onlyIf(condition, { bucket, prefix: parameters.text("TaskLogPrefix") });
}

function either(condition: CfnCondition, one: TableAddress, other: TableAddress): TableAddress {
  const choose = (ofOne: string, ofOther: string) =>
    Token.asString(Fn.conditionIf(condition.logicalId, ofOne, ofOther));
  return { arn: choose(one.arn, other.arn), name: choose(one.name, other.name) };
}

/** The queues of containers for long tasks, and the condition for having containers. */
export interface ContainersInput {
  readonly queue: QueueAddress;
  readonly queues: TaskRunnerQueues;
  readonly stores: StoreChoices;
  readonly taskLogs: Given<BucketPrefix>;
  readonly condition: CfnCondition;
}

/** Adds the service of containers for long tasks, as configured by the parameters. */
export function addContainers(stack: Stack, parameters: TemplateParameters, input: ContainersInput): void {
  new LongTaskService(stack, "Containers", {
    ...toYardSettings(parameters),
    ...toRunnerRights(parameters),
    ...input,
    imageUri: parameters.text("LongTaskImageUri"),
    architecture: parameters.text("LongTaskArchitecture"),
    subnets: {
      subnetIds: parameters.list("LongTaskSubnetIds"),
      securityGroupIds: parameters.list("LongTaskSecurityGroupIds"),
    },
    hasPublicAddress: parameters.text("LongTaskPublicAddress"),
    count: parameters.number("LongTaskCount"),
    logRetentionDays: parameters.number("LogRetentionDays"),
  });
}
