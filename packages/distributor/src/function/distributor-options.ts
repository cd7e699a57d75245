import type { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import type { S3Client } from "@aws-sdk/client-s3";
import type { SFNClient } from "@aws-sdk/client-sfn";
import type { SNSClient } from "@aws-sdk/client-sns";
import type { AwsCredentials, Clock, Logger, Random, Records } from "@stackyard/core";
import type { DistributorConfig } from "./distributor-config.ts";

/** What a distributor is made of. */
export interface DistributorOptions {
  readonly config: DistributorConfig;
  readonly records: Records;
  readonly s3: S3Client;
  readonly sns: SNSClient;
  /** Of the distributor's account and region: `artifact.covered` goes to its default bus. */
  readonly events: EventBridgeClient;
  readonly states: SFNClient;
  /** Whose permissions presigned URLs have, and with which they end. */
  readonly credentials: () => Promise<AwsCredentials>;
  readonly clock: Clock;
  /** W3C Trace Context of the present work, which goes along with announcements. Default: none. */
  readonly traceparent?: () => string | undefined;
  /** Default: `Math.random`. */
  readonly random?: Random;
  /** Default: none. */
  readonly logger?: Logger;
  /** Takes a line of metrics, in CloudWatch's embedded metric format, with its end. Default: standard output. */
  readonly write?: (line: string) => void;
}
