import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import { type AwsAccess, findEmulator, type LambdaContext, runInvocation, toArnPart } from "@stackyard/aws";
import { createS3Records } from "@stackyard/aws/s3";
import {
  type Consumer,
  createCollector,
  createConsumer,
  createCopier,
  createCopyMemory,
  createSourceFetch,
  type SourceFetchOptions,
  type SqsBatchResponse,
  type SqsEvent,
} from "@stackyard/consumer/function";
import { type Clock, defined, type Logger } from "@stackyard/core";
import type { EnvironmentVariables } from "@stackyard/core/environment";
import { parseCopySettings, toConsumerConfig } from "./settings.ts";

/** The dependencies of the function behind the queue. */
export interface CopyAppOptions {
  readonly environment: EnvironmentVariables;
  /** Returns access to AWS in a region, with the function's role. */
  readonly access: (region: string) => AwsAccess;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Resolves the hosts of URLs; for tests. Default: the emulator of the environment, or else DNS. */
  readonly origin?: SourceFetchOptions["origin"];
}

/** Returns the function behind the queue. Each call fails with `CONFIG_INVALID` if the environment is invalid. */
export function createCopyApp(options: CopyAppOptions): {
  handler(event: SqsEvent, context?: LambdaContext): Promise<SqsBatchResponse>;
} {
  let opened: Consumer | undefined;
  return {
    async handler(event, context = {}) {
      opened ??= open(options);
      const consumer = opened;
      const { awsRequestId, getRemainingTimeInMillis } = context;
      return runInvocation(options.clock, context, () =>
        consumer.onMessages(event, {
          ...defined({ invocationId: awsRequestId }),
          ...(getRemainingTimeInMillis && { getRemainingTimeInMillis: () => getRemainingTimeInMillis.call(context) }),
        }),
      );
    },
  };
}

function open({ access, clock, logger, environment, origin }: CopyAppOptions): Consumer {
  const settings = parseCopySettings(environment);
  const { ARTIFACTS_BUCKET: bucket, RECEIPT_BUS: receiptBus, KMS_KEY_ARN: kmsKeyArn } = settings;
  const config = toConsumerConfig(settings);
  const { account, region, sourceBucket, sourceRegion, partition = "aws", extraHosts = [], maxBytes } = config;
  const own = access(region);
  const s3 = own.client(S3Client, undefined);
  const records = createS3Records({ client: s3, bucket, prefix: ".stackyard/", clock });
  const source = { bucket: sourceBucket, region: sourceRegion, partition };
  const copier = createCopier({
    fetch: createSourceFetch({
      rules: { ...source, extraHosts },
      privateEndpoints: settings.PRIVATE_ENDPOINTS,
      ...toEmulated(findEmulator(environment, "S3")),
      ...defined({ origin }),
    }),
    target: { client: s3, account, region, bucket, ...defined({ kmsKeyArn }) },
    source: { ...source, client: access(sourceRegion).client(S3Client, undefined) },
    transfer: settings.TRANSFER,
    memory: createCopyMemory(records, clock),
    clock,
    collect: createCollector(),
    ...defined({ maxBytes }),
  });
  // PutEvents only reaches buses in its own region.
  const busRegion = receiptBus === undefined ? region : toArnPart(receiptBus, 3);
  const events = access(busRegion).client(EventBridgeClient, undefined);
  const clients = { s3, events, sqs: own.client(SQSClient, undefined) };
  const queues = defined({ receiptBus, queueUrl: settings.QUEUE_URL, parkingQueueUrl: settings.PARKING_QUEUE_URL });
  return createConsumer({ config, bucket, clients, records, copier, clock, logger, ...queues });
}

/**
 * Returns the emulator's options. URLs are validated as usual; only the address of their hosts is replaced, not the
 * signed parts.
 */
function toEmulated(emulator: string | undefined): Pick<SourceFetchOptions, "origin" | "privateEndpoints"> {
  return emulator === undefined ? {} : { origin: () => emulator, privateEndpoints: true };
}
