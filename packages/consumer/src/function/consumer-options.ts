import type { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import type { S3Client } from "@aws-sdk/client-s3";
import type { SQSClient } from "@aws-sdk/client-sqs";
import type { Clock, Logger, Records } from "@stackyard/core";
import type { Copier } from "../copy/create-copier.ts";
import type { ConsumerConfig } from "../decide-message.ts";

/** What a consumer is made of. */
export interface ConsumerOptions {
  /** What it takes. */
  readonly config: ConsumerConfig;
  /** Its own bucket. */
  readonly bucket: string;
  /** ARN of the distributor's bus; from configuration only, whatever messages say. Default: no receipts, and no new URLs. */
  readonly receiptBus?: string;
  /** The queue that batches come from, so that a copy goes on soon. Default: every message waits for the queue's visibility. */
  readonly queueUrl?: string;
  /** Where messages go that are given up. Default: they are logged. */
  readonly parkingQueueUrl?: string;
  /** `events` is in the region of the bus: PutEvents reaches buses of its own region. */
  readonly clients: { readonly s3: S3Client; readonly events: EventBridgeClient; readonly sqs: SQSClient };
  /** What is known of keys; under `.stackyard/` of the bucket. */
  readonly records: Records;
  readonly copier: Copier;
  readonly clock: Clock;
  /** Default: none. It is told no URL that is signed. */
  readonly logger?: Logger;
}

/** What Lambda tells of a call. */
export interface MessagesContext {
  /** Epoch milliseconds. Default: as `getRemainingTimeInMillis` says; without both the time has no end. */
  readonly deadlineAt?: number;
  readonly getRemainingTimeInMillis?: () => number;
  readonly invocationId?: string;
}
