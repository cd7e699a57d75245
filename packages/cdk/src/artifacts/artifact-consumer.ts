import { Aws, CfnCondition, Fn, Token } from "aws-cdk-lib";
import { CfnParameter } from "aws-cdk-lib/aws-ssm";
import { Construct } from "constructs";
import type { AppFunction } from "../functions/app-function.ts";
import { findCondition, toValue } from "../given.ts";
import { present } from "../present.ts";
import type { QueueAddress } from "../queues/queue-address.ts";
import { TIMES_TIMEOUT } from "../queues/yard-queues.ts";
import { AdoptedBucket } from "./adopted-bucket.ts";
import type { ArtifactConsumerProps } from "./consumer-props.ts";
import { ConsumerQueues } from "./consumer-queues.ts";
import { COPY_TIMEOUT_SECONDS, CopyFunction } from "./copy-function.ts";
import { InitialSetTrigger, type ResourceSettings } from "./initial-set-trigger.ts";
import { makeOnlyWhere, toFlag } from "./switch.ts";

const BUCKET_PREFIX = "stackyard-artifacts";
const PARAMETER_NAME = "/stackyard/consumer/bucket-name";
/** Available in every region. */
const ARCHITECTURE = "x86_64";

/** What copies artifacts of a distributor into a bucket of this account and region, and answers what came of each. */
export class ArtifactConsumer extends Construct {
  readonly function: AppFunction;
  readonly bucketName: string;
  readonly queue: QueueAddress;
  readonly deadLetters: QueueAddress;
  /** What was refused, with its reason. */
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
      after: [...queues.delivery, copy.mapping],
    });
    this.#tellBucket(props);
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

  #tellBucket({ ssmParameterName = PARAMETER_NAME }: ArtifactConsumerProps): void {
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
    settings: present({ logRetentionDays, permissionsBoundaryArn, architecture }),
    environment: {
      CONSUMER_ACCOUNT_ID: Aws.ACCOUNT_ID,
      CONSUMER_REGION: Aws.REGION,
      LOG_LEVEL: props.logLevel,
    },
  };
}

/** The capabilities that a consumer reports. */
function toCapabilities({ transfer, retire }: ArtifactConsumerProps) {
  return { TRANSFER: transfer, RETIRE: retire === undefined ? undefined : toFlag(retire) };
}
