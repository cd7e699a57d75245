import { type App, Aws, CfnRule, Fn, type Stack } from "aws-cdk-lib";
import { ArtifactDistributor, DistributorAlarms } from "../artifacts/artifact-distributor.ts";
import { onlyIf } from "../given.ts";
import { toIdentityCondition } from "./consumer-template.ts";
import type { ParameterName } from "./parameter-definitions.ts";
import { openTemplate, type TemplateParameters } from "./template-parameters.ts";
import { toCode, toFunctionSettings, toUploadSettings } from "./template-settings.ts";
import { addOutput } from "./template-stack.ts";

const DESCRIPTION = "Stackyard: announces artifacts to all accounts and regions, and knows where they stand.";

/** Adds the template of the distributor. Its role has a fixed name for consumers: it needs `CAPABILITY_NAMED_IAM`. */
export function addDistributorTemplate(app: App): Stack {
  const { stack, parameters } = openTemplate(app, "distributor", DESCRIPTION);
  requireConsumers(stack);
  const distributor = new ArtifactDistributor(stack, "App", {
    ...toFunctionSettings(parameters),
    ...toSettings(stack, parameters),
    code: toCode(stack, parameters, "Distributor"),
  });
  new DistributorAlarms(stack, "Alarm", { topicArns: parameters.givenList("AlarmTopicArns"), distributor });
  addOutputs(stack, parameters, distributor);
  return stack;
}

function toSettings(stack: Stack, parameters: TemplateParameters) {
  const accounts = parameters.given("TrustedAccounts");
  return {
    trusted: {
      accounts: onlyIf(accounts.condition, Fn.split(",", accounts.value)),
      organizationId: parameters.given("OrganizationId"),
    },
    organizationRoleArn: parameters.given("OrganizationRoleArn"),
    externalId: parameters.given("ExternalId"),
    existing: { bucket: parameters.given("ExistingSourceBucket"), table: parameters.given("ExistingRecordsTable") },
    bucketPrefix: parameters.text("SourceBucketPrefix"),
    kmsKeyArn: parameters.given("KmsKeyArn"),
    ...toUploadSettings(parameters),
    topicKeyArn: parameters.given("TopicKeyArn"),
    artifactPrefix: parameters.given("ArtifactPrefix"),
    uploadPrefix: parameters.given("UploadPrefix"),
    transfer: parameters.text("Transfer"),
    readByIdentity: toIdentityCondition(stack, parameters),
    initialSetRoleName: parameters.text("InitialSetRoleName"),
    consumersMayWait: parameters.condition("MayConsumersWait", "ConsumersMayWait", "true"),
    urlSeconds: parameters.number("UrlSeconds"),
    overdueSeconds: parameters.number("OverdueSeconds"),
    keepDays: parameters.given("KeepDays"),
    logLevel: parameters.text("LogLevel"),
  };
}

/** Adds the outputs for consumers, named like their parameters. */
function addOutputs(stack: Stack, parameters: TemplateParameters, distributor: ArtifactDistributor): void {
  const outputs = [
    ["DistributionTopic", distributor.topicArn, "Topic of announcements."],
    ["DistributionRegion", Aws.REGION, "Region of the distributor."],
    ["DistributionBucket", distributor.bucketName, "Bucket of artifacts: publish there."],
    ["InitialDistributionRole", distributor.initialSetRoleArn, "Role by which consumers start their initial set."],
    ["InitialDistributionSetMachine", distributor.initialSetMachineArn, "State machine of initial sets."],
    ["ReceiptBus", distributor.receiptBusArn, "Event bus of receipts."],
    ["DistributorFunctionName", distributor.function.name, "Function: who asks where artifacts stand calls it."],
    ["RecordsTableName", distributor.tableName, "Table of records."],
  ] as const;
  for (const [name, value, description] of outputs) addOutput(stack, name, value, description);
  for (const [name, parameter] of [
    ["OrganizationId", "OrganizationId"],
    ["ExternalId", "ExternalId"],
    ["DistributionKeyArn", "KmsKeyArn"],
  ] as const) {
    const { condition, value } = parameters.given(parameter);
    addOutput(stack, name, value, "As it was given.").condition = condition;
  }
}

/** Requires accounts or an organization: without either, no consumer could subscribe. */
function requireConsumers(stack: Stack): void {
  const isGiven = (name: ParameterName) => Fn.conditionNot(Fn.conditionEquals(Fn.ref(name), ""));
  new CfnRule(stack, "ConsumersAreGiven", {
    assertions: [
      {
        assert: Fn.conditionOr(isGiven("TrustedAccounts"), isGiven("OrganizationId")),
        assertDescription: "Give TrustedAccounts, OrganizationId or both: whom the distributor serves.",
      },
    ],
  });
}
