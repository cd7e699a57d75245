import { Aws, Fn } from "aws-cdk-lib";
import { CfnEventInvokeConfig } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { type AlarmRule, type AlarmTopics, createAlarm, FIVE_MINUTES, toFaultRule, toQueueMetric } from "../alarm.ts";
import { FunctionAlarms } from "../alarms.ts";
import { AppFunction } from "../app-function.ts";
import { createWorkQueue, type QueueAddress } from "../queues.ts";
import { Announcements, DistributorEvents, ReceiptBus } from "./announcements.ts";
import { DistributorMemory } from "./distributor-memory.ts";
import { type ArtifactDistributorProps, openRoot, type SourcePrefixes } from "./distributor-props.ts";
import {
  createSignerRole,
  type DistributorParts,
  toDistributorEnvironment,
  toDistributorPermissions,
} from "./distributor-role.ts";
import { InitialSets, toMachineArn } from "./initial-sets.ts";

const NAME = "stackyard-distributor";
const BUCKET_PREFIX = "stackyard-artifact-source";
const BUS_NAME = "stackyard-receipts";
const ROLE_NAME = "TriggerInitSetRole";
/** Digests of large uploads and a step of an initial set need this long. */
const TIMEOUT_SECONDS = 900;
/** "Asynchronous invocation": at most 6 hours, and two retries. */
const ATTEMPTS = { maximumEventAgeInSeconds: 21_600, maximumRetryAttempts: 2 };

/** Announces artifacts to consumers in all accounts and regions, and tracks where they are stored. One for all. */
export class ArtifactDistributor extends Construct {
  readonly function: AppFunction;
  readonly topicArn: string;
  readonly topicName: string;
  readonly bucketName: string;
  readonly tableName: string;
  readonly receiptBusArn: string;
  readonly initialSetMachineArn: string;
  readonly initialSetRoleArn: string;
  /** Events that the function has failed with. */
  readonly failures: QueueAddress;

  constructor(scope: Construct, id: string, props: ArtifactDistributorProps) {
    super(scope, id);
    const { trusted, name = NAME } = props;
    const { artifactPrefix, uploadPrefix } = props;
    const prefixes = { artifactPrefix, uploadPrefix: uploadPrefix && openRoot(this, uploadPrefix) };
    const memory = this.#makeMemory(props, name, prefixes);
    const topic = new Announcements(this, "Announcing", { trusted, keyArn: props.topicKeyArn });
    const bus = new ReceiptBus(this, "Receiving", { name: BUS_NAME, trusted });
    this.failures = createWorkQueue(this, "FailuresQueue", {});
    const machineName = `${name}-initial-set`;
    const parts: DistributorParts = {
      bucket: memory.bucketName,
      table: { name: memory.tableName, arn: memory.tableArn },
      topicArn: topic.topicArn,
      receiptBusArn: bus.busArn,
      failuresArn: this.failures.arn,
      machineArn: toMachineArn(machineName),
      signerName: toSignerName(name),
      prefixes,
    };
    this.function = this.#makeFunction(props, name, parts);
    topic.letPublish(this.function.role.roleArn);
    createSignerRole(this, "SignerRole", { props, parts, functionRoleArn: this.function.role.roleArn });
    const called = { functionName: this.function.name, functionArn: this.function.arn };
    new DistributorEvents(this, "Events", {
      ...called,
      bucket: memory.bucketName,
      uploadPrefix: prefixes.uploadPrefix,
      receiptBusName: bus.busName,
    });
    const sets = new InitialSets(this, "InitialSets", {
      trusted,
      machineName,
      functionArn: this.function.arn,
      externalId: props.externalId,
      roleName: props.initialSetRoleName ?? ROLE_NAME,
      mayWait: props.consumersMayWait ?? false,
      permissionsBoundaryArn: props.permissionsBoundaryArn,
    });
    this.topicArn = topic.topicArn;
    this.topicName = topic.topicName;
    this.bucketName = memory.bucketName;
    this.tableName = memory.tableName;
    this.receiptBusArn = bus.busArn;
    this.initialSetMachineArn = sets.machineArn;
    this.initialSetRoleArn = sets.roleArn;
  }

  #makeMemory(props: ArtifactDistributorProps, tableName: string, prefixes: SourcePrefixes): DistributorMemory {
    const { trusted, transfer = "auto", bucketPrefix = BUCKET_PREFIX, existing = {} } = props;
    const { readByIdentity = transfer !== "presigned" } = props;
    return new DistributorMemory(this, "Memory", {
      trusted,
      readByIdentity,
      prefixes,
      keyArn: props.kmsKeyArn,
      existing,
      bucketPrefix,
      tableName,
    });
  }

  #makeFunction(props: ArtifactDistributorProps, name: string, parts: DistributorParts): AppFunction {
    const made = new AppFunction(this, "Distributor", {
      ...props,
      functionName: name,
      logGroupName: `/stackyard/${name}`,
      timeoutSeconds: TIMEOUT_SECONDS,
      // It starts the state machine that calls it, and writes manifests into the bucket that sends it events about manifests.
      description: "Stackyard: announces artifacts, and knows where they stand.",
      recursiveLoop: "Allow",
      permissions: toDistributorPermissions(props, parts),
      environment: toDistributorEnvironment(props, parts),
    });
    new CfnEventInvokeConfig(this, "Retries", {
      functionName: made.name,
      qualifier: "$LATEST",
      ...ATTEMPTS,
      destinationConfig: { onFailure: { destination: parts.failuresArn } },
    });
    return made;
  }
}

/**
 * Returns a name with the region: role names are unique in an account, and other regions may have a distributor too.
 */
function toSignerName(name: string): string {
  return Fn.join("", [name, "-signer-", Aws.REGION]);
}

/** Which distributor is watched. */
export interface DistributorAlarmsProps {
  readonly topicArns?: AlarmTopics;
  readonly distributor: ArtifactDistributor;
}

/** Alarms on what needs a person: events that were given up, queues that take no messages, initial sets that fail. */
export class DistributorAlarms extends Construct {
  constructor(scope: Construct, id: string, { topicArns, distributor }: DistributorAlarmsProps) {
    super(scope, id);
    createAlarm(this, "Failures", toFailureRule(distributor.failures.name), topicArns);
    createAlarm(this, "Undelivered", toDeliveryRule(distributor.topicName), topicArns);
    createAlarm(this, "InitialSetFails", toMachineRule(distributor.initialSetMachineArn), topicArns);
    createAlarm(this, "Missing", MISSING, topicArns);
    createAlarm(this, "Refused", REFUSED, topicArns);
    createAlarm(this, "Untrusted", UNTRUSTED, topicArns);
    createAlarm(this, "Unsubscribed", UNSUBSCRIBED, topicArns);
    createAlarm(this, "Unseen", UNSEEN, topicArns);
    createAlarm(this, "Filters", FILTERS, topicArns);
    new FunctionAlarms(this, "Functions", { topicArns, functions: { Distributor: distributor.function } });
  }
}

const MISSING: AlarmRule = toCountRule(
  "AlarmedCells",
  "Artifacts are missing at consumers although they were announced again and again: see their coverage.",
);

const REFUSED: AlarmRule = toCountRule(
  "RefusedVersions",
  "Manifests or uploads were refused and are not published: `stackyard artifacts ls` contains the reasons.",
);

const UNTRUSTED: AlarmRule = toCountRule(
  "UntrustedSubscriptions",
  "Accounts that are not trusted had subscriptions, which are ended: `stackyard consumers ls` names them.",
);

const UNSEEN: AlarmRule = toCountRule(
  "UnseenVersions",
  "Manifests were published without their events: check whether the bucket's notifications to EventBridge are on.",
);

const UNSUBSCRIBED: AlarmRule = toCountRule(
  "UnsubscribedConsumers",
  "Registered consumers have no subscription and receive nothing: `stackyard consumers ls` names them. Update their stacks with another TriggerVersion.",
);

const FILTERS: AlarmRule = {
  ...toCountRule(
    "FilteredSubscriptions",
    "The topic has nearly 200 filter policies, the default quota of SNS: the next consumers cannot subscribe. Deploy consumers with TopicFilter=false, or ask AWS for more.",
  ),
  limit: { above: 180 },
};

/** Returns the rule for a count that should be 0. The sweep logs it every five minutes in the embedded metric format. */
function toCountRule(metricName: string, description: string): AlarmRule {
  return {
    description,
    metric: { namespace: "Stackyard/Artifacts", metricName, dimensions: {}, statistic: "Maximum" },
    limit: { above: 0 },
    periodSeconds: 2 * FIVE_MINUTES,
    periods: 1,
  };
}

function toFailureRule(queueName: string): AlarmRule {
  const metric = toQueueMetric(queueName, "ApproximateNumberOfMessagesVisible");
  return toFaultRule(`Events of the distributor failed and are in ${queueName}. Its log contains the cause.`, metric);
}

function toDeliveryRule(TopicName: string): AlarmRule {
  return toFaultRule(`${TopicName} could not deliver to a consumer: is its queue gone, or its key closed to SNS?`, {
    namespace: "AWS/SNS",
    metricName: "NumberOfNotificationsFailed",
    statistic: "Sum",
    dimensions: { TopicName },
  });
}

function toMachineRule(StateMachineArn: string): AlarmRule {
  return toFaultRule(
    "An initial set has failed. The execution contains the cause, for example an account that is not trusted.",
    {
      namespace: "AWS/States",
      metricName: "ExecutionsFailed",
      statistic: "Sum",
      dimensions: { StateMachineArn },
    },
  );
}
