import type { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import type { S3Client } from "@aws-sdk/client-s3";
import type { SFNClient } from "@aws-sdk/client-sfn";
import type { SNSClient } from "@aws-sdk/client-sns";
import type { AwsCredentials, Clock, Logger, Random, Records } from "@stackyard/core";
import type { TrustConfig } from "./consumers.ts";
import type { Announcer, PublishedArtifact } from "./fan-out.ts";
import type { RecordDeps } from "./records.ts";

/** What the parts of the function share. */
export interface DistributorContext extends RecordDeps {
  readonly config: DistributorConfig;
  readonly trust: TrustConfig;
  readonly logger: Logger;
  readonly s3: S3Client;
  readonly events: EventBridgeClient;
  readonly states: SFNClient;
  readonly announcer: Announcer;
  readonly loadPublished: (name: string, version: string) => Promise<PublishedArtifact | undefined>;
  /** Takes a line of metrics with its end. */
  readonly write: (line: string) => void;
}

/** One invocation. */
export interface Turn {
  /** Epoch milliseconds; what is not done then is left to the next. */
  readonly deadlineAt: number;
}

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

/** What a distributor knows of itself. */
export interface DistributorConfig {
  /** Of the distributor. */
  readonly account: string;
  readonly region: string;
  /** The source bucket. */
  readonly bucket: string;
  /** Where published artifacts lie: empty, or it ends with a slash. */
  readonly prefix: string;
  /** Where others put files that become artifacts. Default: nowhere. */
  readonly uploadPrefix?: string;
  /** ARN. */
  readonly topicArn: string;
  readonly trustedAccounts: readonly string[];
  readonly organizationId?: string;
  /** ARN of the state machine of initial sets. Without it there are none, and no replays. */
  readonly machineArn?: string;
  /** How consumers get at files. Default: `auto`. */
  readonly transfer?: "identity" | "presigned" | "auto";
  /** Life of a presigned URL. Default: 3,600. */
  readonly urlSeconds?: number;
  /** URLs name the bucket in their path, as emulators want it. Default: only where its name has dots. */
  readonly pathStyleUrls?: boolean;
  /** After which a consumer that says nothing is asked again. Default: 900. */
  readonly overdueSeconds?: number;
  /** Versions are removed from the source when they are older and need not be kept. Default: never. */
  readonly keepDays?: number;
}
