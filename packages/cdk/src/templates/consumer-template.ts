import { type App, Aws, CfnCondition, CfnMapping, CfnRule, CfnStackSet, Fn, type Stack, Token } from "aws-cdk-lib";
import { Code } from "aws-cdk-lib/aws-lambda";
import { Bucket } from "aws-cdk-lib/aws-s3";
import { ArtifactConsumer, ConsumerAlarms } from "../artifacts/artifact-consumer.ts";
import type { ConsumerCode } from "../artifacts/consumer-functions.ts";
import { onlyIf } from "../given.ts";
import { CONSUMERS, type ParameterName } from "./parameter-definitions.ts";
import { addRequirement, openTemplate, type TemplateParameters } from "./template-parameters.ts";
import { toFunctionSettings, toUploadSettings } from "./template-settings.ts";
import { addOutput, describeInlineCode } from "./template-stack.ts";

/** Files that are embedded in the template: CommonJS, without the SDK. */
export interface InlineConsumer {
  /** Exports `handler`, which copies. */
  readonly copy: string;
  /** Exports `initialSet` and `bucket`, the custom resources. */
  readonly resources: string;
}

const CONSUMER_DESCRIPTION = "Stackyard: copies artifacts of a distributor into this account and region.";

/** Adds the consumer with inline code, which needs nothing in the region: for StackSets. */
export function addConsumerTemplate(app: App, inline: InlineConsumer): Stack {
  const { stack, parameters } = openTemplate(app, "consumer", CONSUMER_DESCRIPTION);
  const { copy, resources } = inline;
  // Two functions have this file: a mapping holds it once, and the template stays below 1 MB.
  const files = new CfnMapping(stack, "InlineCode", { mapping: { Resources: { Text: resources } } });
  const shared = Code.fromInline(Fn.findInMap(files.logicalId, "Resources", "Text"));
  addConsumer(stack, parameters, { copy: Code.fromInline(copy), resources: shared });
  describeInlineCode(stack, [
    { output: "CopyCodeSha256", file: "apps/consumer/dist/inline/copy.js", text: copy, functions: ["CopyFunction"] },
    {
      output: "ResourcesCodeSha256",
      file: "apps/consumer/dist/inline/resources.js",
      text: resources,
      functions: ["AdoptedBucketFunction", "InitialSetTriggerFunction"],
    },
  ]);
  return stack;
}

/** Adds the consumer whose code is in a bucket of each region, because Lambda loads it only from its own region. */
export function addConsumerZipTemplate(app: App): Stack {
  const { stack, parameters } = openTemplate(app, "consumer-zip", CONSUMER_DESCRIPTION);
  const name = Fn.join("", [parameters.text("CodeBucketPrefix"), "-", Fn.ref("AWS::Region")]);
  const bucket = Bucket.fromBucketName(stack, "CodeBucketReference", name);
  addConsumer(stack, parameters, { copy: Code.fromBucketV2(bucket, parameters.text("ConsumerZip")) });
  return stack;
}

function addConsumer(stack: Stack, parameters: TemplateParameters, code: ConsumerCode): void {
  requireDistributor(stack);
  refuseSource(stack);
  const region = parameters.given("DistributionRegion");
  const topicArn = parameters.text("DistributionTopic");
  const consumer = new ArtifactConsumer(stack, "App", {
    ...toFunctionSettings(parameters),
    ...toSettings(stack, parameters),
    code,
    distributor: {
      topicArn,
      region: Token.asString(
        Fn.conditionIf(region.condition.logicalId, region.value, Fn.select(3, Fn.split(":", topicArn))),
      ),
      bucket: parameters.text("DistributionBucket"),
      initialSetRoleArn: parameters.text("InitialDistributionRole"),
      initialSetMachineArn: parameters.text("InitialDistributionSetMachine"),
      receiptBusArn: parameters.given("ReceiptBus"),
      externalId: parameters.given("ExternalId"),
      organizationId: parameters.given("OrganizationId"),
      keyArn: parameters.given("DistributionKeyArn"),
    },
  });
  new ConsumerAlarms(stack, "Alarm", { topicArns: parameters.givenList("AlarmTopicArns"), consumer });
  const told = [
    ["ArtifactsBucket", consumer.bucketName, "Bucket of the copies."],
    ["CopyFunctionName", consumer.function.name, "Function that copies."],
    ["DeadLetterQueueUrl", consumer.deadLetters.url, "Messages that could not be processed."],
    ["ParkingQueueUrl", consumer.parking.url, "Messages that were refused, with their reasons."],
  ] as const;
  for (const [name, value, description] of told) addOutput(stack, name, value, description);
}

function toSettings(stack: Stack, parameters: TemplateParameters) {
  const isOn = (name: "Retire" | "EmptyOnDelete" | "WaitForInitialSet" | "TopicFilter") =>
    parameters.condition(`Is${name}`, name, "true");
  return {
    targetBucket: onlyIf(toTargetCondition(stack, parameters), parameters.text("TargetBucket")),
    bucketPrefix: parameters.text("BucketPrefix"),
    kmsKeyArn: parameters.given("KmsKeyArn"),
    ...toUploadSettings(parameters),
    queueKeyArn: parameters.given("QueueKeyArn"),
    maxBytes: parameters.number("MaxBytes"),
    transfer: parameters.text("Transfer"),
    readsSource: toIdentityCondition(stack, parameters),
    retire: isOn("Retire"),
    topicFilter: isOn("TopicFilter"),
    emptyOnDelete: isOn("EmptyOnDelete"),
    waitForInitialSet: isOn("WaitForInitialSet"),
    triggerVersion: parameters.text("TriggerVersion"),
    acceptV1: parameters.text("AcceptV1"),
    extraHosts: parameters.given("ExtraHosts"),
    privateEndpoints: parameters.text("PrivateEndpoints"),
    ssmParameterName: parameters.given("SsmParameterName"),
    logLevel: parameters.text("LogLevel"),
  };
}

/** Returns the condition for a target bucket: neither empty nor the predecessor's word for none. */
function toTargetCondition(stack: Stack, parameters: TemplateParameters): CfnCondition {
  const isNone = ["", "!NO_VALUE"].map((none) => Fn.conditionEquals(parameters.text("TargetBucket"), none));
  return new CfnCondition(stack, "HasTargetBucket", { expression: Fn.conditionNot(Fn.conditionOr(...isNone)) });
}

/** Returns the condition under which artifacts may be read without a URL. */
export function toIdentityCondition(stack: Stack, parameters: TemplateParameters): CfnCondition {
  const isPresigned = Fn.conditionEquals(parameters.text("Transfer"), "presigned");
  return new CfnCondition(stack, "ReadsByIdentity", { expression: Fn.conditionNot(isPresigned) });
}

/** Rejects the source bucket as target. The role of a created bucket prevents that too. */
function refuseSource(stack: Stack): void {
  const [target, source] = [Fn.ref("TargetBucket"), Fn.ref("DistributionBucket")];
  new CfnRule(stack, "TargetIsNotSource", {
    assertions: [
      {
        assert: Fn.conditionNot(Fn.conditionEquals(target, source)),
        assertDescription: "TargetBucket is the distributor's bucket. Set another one.",
      },
    ],
  });
}

const REQUIRED = [
  "DistributionTopic",
  "DistributionBucket",
  "InitialDistributionRole",
  "InitialDistributionSetMachine",
] as const satisfies readonly ParameterName[];

/** Requires these parameters: as in the predecessor they have defaults, which name no real distributor. */
export function requireDistributor(stack: Stack): void {
  const assertions = REQUIRED.map((name) => ({
    assert: Fn.conditionNot(Fn.conditionEquals(Fn.ref(name), "")),
    assertDescription: `Give ${name}: the distributor's output of that name.`,
  }));
  new CfnRule(stack, "DistributorIsGiven", { assertions });
}

const ROLLOUT_DESCRIPTION = "Stackyard: rolls consumers of artifacts out into accounts and regions.";

/** Adds the template of a StackSet that deploys the consumer into an organization, or into named accounts. */
export function addConsumersRolloutTemplate(app: App): Stack {
  const { stack, parameters } = openTemplate(app, "consumers-rollout", ROLLOUT_DESCRIPTION);
  requireDistributor(stack);
  addRequirement(stack, {
    parameter: "PermissionModel",
    value: "SERVICE_MANAGED",
    needs: "OrganizationalUnitIds",
  });
  addRequirement(stack, { parameter: "PermissionModel", value: "SELF_MANAGED", needs: "ConsumerAccounts" });
  const isServiceManaged = parameters.condition("IsServiceManaged", "PermissionModel", "SERVICE_MANAGED");
  const isAutomatic = parameters.condition("IsAutoDeployment", "AutoDeployment", "true");
  const forOrganization = (managed: unknown, otherwise: unknown = Aws.NO_VALUE) =>
    Fn.conditionIf(isServiceManaged.logicalId, managed, otherwise);
  const set = new CfnStackSet(stack, "Consumers", {
    stackSetName: parameters.text("StackSetName"),
    description: "Stackyard: consumers of artifacts.",
    templateUrl: parameters.text("ConsumerTemplateUrl"),
    permissionModel: parameters.text("PermissionModel"),
    callAs: Token.asString(forOrganization(parameters.text("CallAs"))),
    capabilities: ["CAPABILITY_IAM"],
    // Operations wait for each other instead of being rejected.
    managedExecution: { Active: true },
    autoDeployment: forOrganization({
      Enabled: parameters.text("AutoDeployment"),
      // "Specify only if Enabled is set to True": StackSets reject it otherwise.
      RetainStacksOnAccountRemoval: Fn.conditionIf(isAutomatic.logicalId, false, Aws.NO_VALUE),
    }),
    operationPreferences: {
      failureTolerancePercentage: parameters.number("FailureTolerancePercentage"),
      maxConcurrentPercentage: parameters.number("MaxConcurrentPercentage"),
      regionConcurrencyType: "PARALLEL",
    },
    stackInstancesGroup: [
      {
        deploymentTargets: forOrganization(
          { OrganizationalUnitIds: Fn.split(",", parameters.text("OrganizationalUnitIds")) },
          { Accounts: Fn.split(",", parameters.text("ConsumerAccounts")) },
        ),
        regions: parameters.list("ConsumerRegions"),
      },
    ],
    parameters: CONSUMERS.map((name) => ({ parameterKey: name, parameterValue: Fn.ref(name) })),
  });
  addOutput(stack, "StackSetId", set.attrStackSetId, "The StackSet.");
  return stack;
}
