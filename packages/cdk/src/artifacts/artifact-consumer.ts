import { defined } from "@stackyard/core";
import { Aws, CfnCondition, Fn, Token } from "aws-cdk-lib";
import { CfnParameter } from "aws-cdk-lib/aws-ssm";
import { Construct } from "constructs";
import { type AlarmRule, type AlarmTopics, createAlarm, toFaultRule, toQueueMetric } from "../alarm.ts";
import { FunctionAlarms } from "../alarms.ts";
import type { AppFunction } from "../app-function.ts";
import { findCondition, makeOnlyWhere, toFlag, toValue } from "../given.ts";
import { type QueueAddress, TIMES_TIMEOUT } from "../queues.ts";
import {
  AdoptedBucket,
  type ArtifactConsumerProps,
  COPY_TIMEOUT_SECONDS,
  CopyFunction,
  InitialSetTrigger,
  type ResourceSettings,
} from "./consumer-functions.ts";
import { ConsumerQueues } from "./consumer-queues.ts";

const BUCKET_PREFIX = "stackyard-artifacts";
const PARAMETER_NAME = "/stackyard/consumer/bucket-name";
/** Available in every region. */
const ARCHITECTURE = "x86_64";

/** A consumer: it copies artifacts of a distributor into a bucket of this account and region, and sends a receipt for each. */
export class ArtifactConsumer extends Construct {
  readonly function: AppFunction;
  readonly bucketName: string;
  readonly queue: QueueAddress;
  readonly deadLetters: QueueAddress;
  /** The queue of refused messages, with their reasons. */
  readonly parking: QueueAddress;

  constructor(scope: Construct, id: string, given: ArtifactConsumerProps) {
    super(scope, id);
    const props = { architecture: ARCHITECTURE, bucketPrefix: BUCKET_PREFIX, ...given };
    const { distributor, code, bucketPrefix } = props;
    const { topicArn, region = Fn.select(3, Fn.split(":", topicArn)) } = distributor;
    const shared = toResourceSettings(props);
    this.bucketName = this.#chooseBucket(props, shared);
    const queues = new ConsumerQueues(this, "Queues", {
      topicArn,
      topicRegion: region,
      visibilitySeconds: TIMES_TIMEOUT * COPY_TIMEOUT_SECONDS,
      kmsKeyArn: props.queueKeyArn,
      topicFilter: props.topicFilter ?? true,
    });
    const copy = new CopyFunction(this, "Copying", {
      consumer: props,
      queues,
      bucket: this.bucketName,
      region,
      environment: { ...shared.environment, ...toCapabilities(props) },
    });
    new InitialSetTrigger(this, "Asking", {
      ...shared,
      code: code.resources ?? code.copy,
      distributor,
      region,
      bucketPrefix,
      capabilities: toCapabilities(props),
      bucket: this.bucketName,
      version: props.triggerVersion ?? "1.0",
      wait: props.waitForInitialSet ?? false,
      queues,
      after: [...queues.delivery, copy.mapping],
    });
    this.#writeBucketParameter(props);
    this.function = copy.function;
    this.queue = queues.queue;
    this.deadLetters = queues.deadLetters;
    this.parking = queues.parking;
  }

  #chooseBucket(props: ArtifactConsumerProps & { readonly bucketPrefix: string }, shared: ResourceSettings): string {
    const { targetBucket, code, bucketPrefix: prefix, kmsKeyArn, emptyOnDelete = false } = props;
    const sourceBucket = props.distributor.bucket;
    const condition = targetBucket === undefined ? undefined : findCondition(targetBucket);
    if (targetBucket !== undefined && condition === undefined) return toValue(targetBucket);
    const adopted = new AdoptedBucket(this, "Adoption", {
      ...shared,
      code: code.resources ?? code.copy,
      prefix,
      sourceBucket,
      kmsKeyArn,
      emptyOnDelete,
    });
    if (targetBucket === undefined || condition === undefined) return adopted.bucketName;
    makeOnlyWhere(new CfnCondition(this, "MakesBucket", { expression: Fn.conditionNot(condition) }), adopted);
    return Token.asString(Fn.conditionIf(condition.logicalId, toValue(targetBucket), adopted.bucketName));
  }

  #writeBucketParameter({ ssmParameterName = PARAMETER_NAME }: ArtifactConsumerProps): void {
    const parameter = new CfnParameter(this, "BucketNameParameter", {
      name: toValue(ssmParameterName),
      type: "String",
      value: this.bucketName,
      description: "Stackyard: the bucket of artifacts in this account and region.",
    });
    const condition = findCondition(ssmParameterName);
    if (condition !== undefined) parameter.cfnOptions.condition = condition;
  }
}

/** Settings of all functions. Those of custom resources run outside the account's network, because CloudFormation waits for them. */
function toResourceSettings(props: ArtifactConsumerProps): ResourceSettings {
  const { logRetentionDays, permissionsBoundaryArn, architecture } = props;
  return {
    settings: defined({ logRetentionDays, permissionsBoundaryArn, architecture }),
    environment: {
      CONSUMER_ACCOUNT_ID: Aws.ACCOUNT_ID,
      CONSUMER_REGION: Aws.REGION,
      LOG_LEVEL: props.logLevel,
    },
  };
}

/** Returns the capabilities that a consumer reports. */
function toCapabilities({ transfer, retire, topicFilter }: ArtifactConsumerProps) {
  return {
    TRANSFER: transfer,
    RETIRE: retire === undefined ? undefined : toFlag(retire),
    TOPIC_FILTER: topicFilter === undefined ? undefined : toFlag(topicFilter),
  };
}

/** Which consumer is watched. */
export interface ConsumerAlarmsProps {
  readonly topicArns?: AlarmTopics;
  readonly consumer: ArtifactConsumer;
}

const FIVE_MINUTES = 300;
/** A copy of the largest file needs several deliveries of up to a quarter of an hour each. */
const QUEUE_WAIT_SECONDS = 21_600;

/** Alarms that require a person: failed or rejected messages, a blocked queue, a failing function. */
export class ConsumerAlarms extends Construct {
  constructor(scope: Construct, id: string, { topicArns, consumer }: ConsumerAlarmsProps) {
    super(scope, id);
    createAlarm(this, "DeadLetters", toAgeRule(consumer.deadLetters), topicArns);
    createAlarm(this, "Parked", toParkedRule(consumer.parking), topicArns);
    createAlarm(this, "QueueWaits", toWaitRule(consumer.queue), topicArns);
    new FunctionAlarms(this, "Functions", { topicArns, functions: { Copy: consumer.function } });
  }
}

function toAgeRule({ name }: QueueAddress): AlarmRule {
  const description = `Artifact messages are in ${name}: they could not be processed, and are kept for at most 14 days. The log contains the reasons.`;
  return toFaultRule(description, toQueueMetric(name, "ApproximateAgeOfOldestMessage"));
}

function toParkedRule({ name }: QueueAddress): AlarmRule {
  const description = `Rejected messages are in ${name}, each with its reason: a sender sends files that must not be copied.`;
  return toFaultRule(description, toQueueMetric(name, "ApproximateNumberOfMessagesVisible"));
}

function toWaitRule({ name }: QueueAddress): AlarmRule {
  return {
    description: `The oldest message in ${name} waits for more than 6 hours: look whether the function fails or is throttled.`,
    metric: toQueueMetric(name, "ApproximateAgeOfOldestMessage"),
    limit: { above: QUEUE_WAIT_SECONDS },
    periodSeconds: FIVE_MINUTES,
    periods: 3,
  };
}
