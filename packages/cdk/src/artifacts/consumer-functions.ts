import { defined } from "@stackyard/core";
import { Aws, CfnResource, Fn } from "aws-cdk-lib";
import type { CfnEventSourceMapping, Code } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { AppFunction, type FunctionSettings } from "../app-function.ts";
import { createQueueSource } from "../function-triggers.ts";
import { type Given, mapGiven, type Switch, toCfnText, toFlag, toNumberOf, whereOn } from "../given.ts";
import {
  adoptBucket,
  askForInitialSet,
  decryptSource,
  deleteRetired,
  emptyBucket,
  readSource,
  sendReceipts,
  spareSource,
  storeCopies,
  subscribeAgain,
  useBucketKey,
  workQueues,
} from "../policies/artifact-permissions.ts";
import type { Permission } from "../policies/statement.ts";
import { useQueueKey } from "../policies/yard-permissions.ts";
import { toUploadEnvironment, toUploadPermissions, type UploadSettings } from "../upload-encryption.ts";
import type { Variables } from "../yard-settings.ts";
import type { ConsumerQueues } from "./consumer-queues.ts";

/** The code of a consumer: two files of `apps/consumer`, or its zip, which has all of it. */
export interface ConsumerCode {
  /** Exports `handler`, which copies. */
  readonly copy: Code;
  /** Exports `initialSet` and `bucket`, the custom resources. Default: the same as `copy`. */
  readonly resources?: Code;
}

/** The address of a distributor, from the outputs of its stack. */
export interface DistributorAddress {
  readonly topicArn: string;
  /** Default: the one in the topic's ARN. */
  readonly region?: string;
  /** Where artifacts come from. */
  readonly bucket: string;
  readonly initialSetRoleArn: string;
  readonly initialSetMachineArn: string;
  /** Default: no receipts are sent, as with earlier distributors. */
  readonly receiptBusArn?: Given<string>;
  /** The external id that the role requires. */
  readonly externalId?: Given<string>;
  /** The distributor's bucket and role must belong to it. Default: to any. */
  readonly organizationId?: Given<string>;
  /** The customer's key of its bucket. */
  readonly keyArn?: Given<string>;
}

/** The input of a consumer. Memory, network and space are those of the function that copies. */
export interface ArtifactConsumerProps extends FunctionSettings, UploadSettings {
  readonly code: ConsumerCode;
  readonly distributor: DistributorAddress;
  /** An existing bucket, which is not changed. Default: a bucket named by prefix, account and region, created or adopted. */
  readonly targetBucket?: Given<string>;
  /** At most 34 characters. Default: `stackyard-artifacts`. */
  readonly bucketPrefix?: string;
  /** The customer's key for the copies. Default: the bucket's. */
  readonly kmsKeyArn?: Given<string>;
  /** The customer's key for the queues; its policy must let `sns.amazonaws.com` use it. Default: SQS's own. */
  readonly queueKeyArn?: Given<string>;
  /** Larger artifacts are refused. Default: 50 GiB. */
  readonly maxBytes?: number;
  /**
   * False: the subscription has no filter policy, and the consumer leaves messages for others to them. A topic has 200 filter
   * policies by default. Default: true.
   */
  readonly topicFilter?: Switch;
  /** `identity`, `presigned` or `auto`. Default: `auto`. */
  readonly transfer?: string;
  /** The function may read the distributor's bucket itself. Default: unless `transfer` is `presigned`. */
  readonly readsSource?: Switch;
  /** True to delete versions that the distributor retires. Default: false. */
  readonly retire?: Switch;
  /** True to empty and delete the bucket with the consumer. Default: false, it is kept with its content. */
  readonly emptyOnDelete?: Switch;
  /** True to make the stack wait until the initial set was announced. The distributor must allow it. Default: false. */
  readonly waitForInitialSet?: Switch;
  /** Another value sends the initial set again. Default: `1.0`. */
  readonly triggerVersion?: string;
  /** `false` to reject messages of old distributors. Default: `true`. */
  readonly acceptV1?: string;
  /** Exact names of hosts besides S3's, by commas. */
  readonly extraHosts?: Given<string>;
  /** `true`: S3's names may resolve to private addresses, as with interface endpoints. Default: `false`. */
  readonly privateEndpoints?: string;
  /** The SSM parameter that contains the bucket's name. Default: `/stackyard/consumer/bucket-name`. */
  readonly ssmParameterName?: Given<string>;
  /** `debug`, `info`, `warn` or `error`. Default: `info`. */
  readonly logLevel?: string;
}

/** Names of functions, and settings of all of them. */
export const HANDLERS = { copy: "index.handler", initialSet: "index.initialSet", bucket: "index.bucket" } as const;

/** The resources that the function uses. */
export interface CopyFunctionProps {
  readonly consumer: ArtifactConsumerProps;
  readonly queues: ConsumerQueues;
  readonly bucket: string;
  readonly region: string;
  readonly environment: Variables;
}

/** Lambda's maximum timeout of a function; unfinished work continues with the next delivery. */
export const COPY_TIMEOUT_SECONDS = 900;
const MEMORY_MB = 1_024;
/** Files up to 64 MiB are stored there while they are checked, twice if they are rewritten; a batch has ten. */
const TEMPORARY_MB = 2_048;
/** Same as the predecessor; each message may fail separately. */
const BATCH_SIZE = 10;
const MAX_BYTES = 50 * 1_024 ** 3;

/** The function that copies, called with the messages of the queue. */
export class CopyFunction extends Construct {
  readonly function: AppFunction;
  readonly mapping: CfnEventSourceMapping;

  constructor(scope: Construct, id: string, props: CopyFunctionProps) {
    super(scope, id);
    const { consumer, queues } = props;
    this.function = new AppFunction(this, "Copy", {
      memoryMb: MEMORY_MB,
      temporaryMb: TEMPORARY_MB,
      ...consumer,
      code: consumer.code.copy,
      handler: HANDLERS.copy,
      recursiveLoop: "Terminate",
      timeoutSeconds: COPY_TIMEOUT_SECONDS,
      description: "Stackyard: copies artifacts into this account and region.",
      permissions: toPermissions(props),
      environment: toEnvironment(props),
    });
    this.mapping = createQueueSource(this, "QueueMapping", {
      functionName: this.function.name,
      queueArn: queues.queue.arn,
      batchSize: BATCH_SIZE,
    });
  }
}

function toEnvironment({ consumer, queues, bucket, region, environment }: CopyFunctionProps): Variables {
  const { distributor, maxBytes = MAX_BYTES } = consumer;
  return {
    ...environment,
    ARTIFACTS_BUCKET: bucket,
    DISTRIBUTOR_BUCKET: distributor.bucket,
    DISTRIBUTION_TOPIC: distributor.topicArn,
    DISTRIBUTION_REGION: region,
    RECEIPT_BUS: distributor.receiptBusArn,
    QUEUE_URL: queues.queue.url,
    PARKING_QUEUE_URL: queues.parking.url,
    KMS_KEY_ARN: consumer.kmsKeyArn,
    MAX_BYTES: String(maxBytes),
    ACCEPT_V1: consumer.acceptV1,
    EXTRA_HOSTS: consumer.extraHosts,
    PRIVATE_ENDPOINTS: consumer.privateEndpoints,
    ...toUploadEnvironment(consumer),
  };
}

function toPermissions({ consumer, queues, bucket, region }: CopyFunctionProps): readonly Given<Permission>[] {
  const { distributor, transfer = "auto", retire = false, kmsKeyArn, queueKeyArn } = consumer;
  const { readsSource = transfer !== "presigned" } = consumer;
  const { keyArn, organizationId } = distributor;
  const source = whereOn(readsSource, readSource({ bucket: distributor.bucket, organizationId }));
  return [
    workQueues(queues.queue.arn, queues.parking.arn),
    storeCopies(bucket),
    ...source,
    ...toReceiptPermission(distributor.receiptBusArn),
    ...whereOn(retire, deleteRetired(bucket)),
    ...(keyArn === undefined ? [] : [mapGiven(keyArn, (arn) => decryptSource(arn, region))]),
    ...(kmsKeyArn === undefined ? [] : [mapGiven(kmsKeyArn, useBucketKey)]),
    ...(queueKeyArn === undefined ? [] : [mapGiven(queueKeyArn, useQueueKey)]),
    ...toUploadPermissions(consumer),
  ];
}

/** Settings that the functions of custom resources share. */
export interface ResourceSettings {
  readonly settings: FunctionSettings;
  readonly environment: Variables;
}

/** The settings of the resource that requests everything that a consumer should have. */
export interface InitialSetTriggerProps extends ResourceSettings {
  readonly code: Code;
  readonly distributor: DistributorAddress;
  /** The capabilities of the consumer that the distributor must know, as variables. */
  readonly capabilities: Readonly<Record<"TRANSFER" | "RETIRE" | "TOPIC_FILTER", string | undefined>>;
  readonly region: string;
  readonly bucket: string;
  readonly bucketPrefix: string;
  readonly version: string;
  readonly wait: Switch;
  readonly queues: ConsumerQueues;
  /** Resources that must exist first: earlier messages are lost. */
  readonly after: readonly CfnResource[];
}

/** Two minutes in which a new role may be denied, and the answer; or Lambda's maximum timeout, to wait. */
const TIMEOUT_SECONDS = { on: 900, off: 180 };
/** Lambda retries a failed call twice, after one and two minutes. */
const SERVICE_TIMEOUT_SECONDS = { on: 3_600, off: 600 };

/** `Custom::InitialSetTrigger`, compatible with the predecessor's. */
export class InitialSetTrigger extends Construct {
  constructor(scope: Construct, id: string, props: InitialSetTriggerProps) {
    super(scope, id);
    const { distributor, wait, version, bucket, capabilities, queues } = props;
    const { initialSetRoleArn, initialSetMachineArn, receiptBusArn } = distributor;
    const { arn } = new AppFunction(new Construct(this, "Functions"), "InitialSetTrigger", {
      ...props.settings,
      code: props.code,
      handler: HANDLERS.initialSet,
      recursiveLoop: "Terminate",
      description: "Stackyard: asks the distributor for all artifacts.",
      timeoutSeconds: toNumberOf(wait, TIMEOUT_SECONDS),
      permissions: [
        askForInitialSet(initialSetRoleArn, distributor.organizationId),
        subscribeAgain(distributor.topicArn),
        ...toReceiptPermission(receiptBusArn),
      ],
      environment: {
        ...props.environment,
        ...capabilities,
        INITIAL_DISTRIBUTION_MACHINE: initialSetMachineArn,
        INITIAL_DISTRIBUTION_ROLE: initialSetRoleArn,
        INITIAL_DISTRIBUTION_REGION: props.region,
        EXTERNAL_ID: distributor.externalId,
        RECEIPT_BUS: receiptBusArn,
        ARTIFACTS_BUCKET: bucket,
        BUCKET_PREFIX: props.bucketPrefix,
      },
    });
    const trigger = new CfnResource(this, "InitialSetTrigger", {
      type: "Custom::InitialSetTrigger",
      properties: {
        ServiceToken: arn,
        ServiceTimeout: toNumberOf(wait, SERVICE_TIMEOUT_SECONDS),
        Version: version,
        Topic: distributor.topicArn,
        Queue: queues.queue.arn,
        Subscription: queues.subscriptionArn,
        Bucket: bucket,
        Role: initialSetRoleArn,
        Machine: initialSetMachineArn,
        WaitForInitialSet: toFlag(wait),
        // CloudFormation sends another request only when a property has changed.
        ...defined({
          Transfer: capabilities.TRANSFER,
          Retire: capabilities.RETIRE,
          TopicFilter: capabilities.TOPIC_FILTER,
        }),
      },
    });
    for (const each of props.after) trigger.addResourceDependency(each);
  }
}

/** Returns the permission to send events about a consumer to the distributor. */
export function toReceiptPermission(busArn: Given<string> | undefined) {
  return busArn === undefined ? [] : [mapGiven(busArn, sendReceipts)];
}

/** A bucket that is created, or adopted if it already exists. */
export interface AdoptedBucketProps extends ResourceSettings {
  readonly code: Code;
  /** Account and region are appended. */
  readonly prefix: string;
  /** The source bucket of artifacts: it is never adopted. */
  readonly sourceBucket: string;
  readonly kmsKeyArn?: Given<string> | undefined;
  readonly emptyOnDelete: Switch;
}

/** Emptying takes one call per thousand versions; the rest takes seconds. */
const BUCKET_TIMEOUT_SECONDS = 900;
/** The function answers before its time ends. */
const BUCKET_SERVICE_TIMEOUT_SECONDS = 1_200;

/**
 * A bucket that outlives its stack, so that CloudFormation cannot create it again: if this account already has the bucket, it is
 * adopted. It has no deletion policy, because its function decides what to keep.
 */
export class AdoptedBucket extends Construct {
  readonly bucketName: string;

  constructor(scope: Construct, id: string, { code, prefix, emptyOnDelete, ...props }: AdoptedBucketProps) {
    super(scope, id);
    const name = Fn.join("", [prefix, "-", Aws.ACCOUNT_ID, "-", Aws.REGION]);
    const { arn } = new AppFunction(new Construct(this, "Functions"), "AdoptedBucket", {
      ...props.settings,
      code,
      handler: HANDLERS.bucket,
      timeoutSeconds: BUCKET_TIMEOUT_SECONDS,
      recursiveLoop: "Terminate",
      description: "Stackyard: creates the bucket of artifacts, or adopts an existing one.",
      permissions: [adoptBucket(name), spareSource(props.sourceBucket), ...whereOn(emptyOnDelete, emptyBucket(name))],
      environment: { ...props.environment },
    });
    const bucket = new CfnResource(this, "AdoptedBucket", {
      type: "Custom::AdoptedBucket",
      properties: {
        ServiceToken: arn,
        ServiceTimeout: BUCKET_SERVICE_TIMEOUT_SECONDS,
        BucketName: name,
        EmptyOnDelete: toFlag(emptyOnDelete),
        ...defined({ KmsKeyArn: props.kmsKeyArn === undefined ? undefined : toCfnText(props.kmsKeyArn) }),
      },
    });
    this.bucketName = bucket.ref;
  }
}
