import type { CfnEventSourceMapping } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { AppFunction } from "../functions/app-function.ts";
import { createQueueSource } from "../functions/queue-source.ts";
import type { Variables } from "../functions/yard-environment.ts";
import { type Given, mapGiven } from "../given.ts";
import { useQueueKey } from "../policies/common-permissions.ts";
import {
  decryptSource,
  deleteRetired,
  readSource,
  storeCopies,
  useBucketKey,
  workQueues,
} from "../policies/consumer-permissions.ts";
import type { Permission } from "../policies/statement.ts";
import { type ArtifactConsumerProps, HANDLERS } from "./consumer-props.ts";
import type { ConsumerQueues } from "./consumer-queues.ts";
import { toReceiptPermission } from "./initial-set-trigger.ts";
import { whereOn } from "./switch.ts";

/** The resources that the function uses. */
export interface CopyFunctionProps {
  readonly consumer: ArtifactConsumerProps;
  readonly queues: ConsumerQueues;
  readonly bucket: string;
  readonly region: string;
  readonly environment: Variables;
}

/** The longest time that Lambda lets a function run; unfinished work continues with the next delivery. */
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
  ];
}
