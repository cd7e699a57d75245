import type { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import type { S3Client } from "@aws-sdk/client-s3";
import type { SFNClient } from "@aws-sdk/client-sfn";
import type { SNSClient } from "@aws-sdk/client-sns";
import type { AwsCredentials, Clock, Logger, Random, Records } from "@stackyard/core";
import type { Announcer, PublishedArtifact } from "./fan-out.ts";
import type { Organization } from "./organization.ts";
import type { PublishOutcome } from "./publish-outcome.ts";
import type { RecordDeps } from "./records.ts";
import type { TrustConfig } from "./trust.ts";
import type { VersionId } from "./versions.ts";

/** Shared dependencies of the function. */
export interface DistributorContext extends RecordDeps {
  readonly config: DistributorConfig;
  readonly trust: TrustConfig;
  readonly organization?: Organization;
  readonly sns: SNSClient;
  readonly logger: Logger;
  readonly s3: S3Client;
  readonly events: EventBridgeClient;
  readonly states: SFNClient;
  readonly announcer: Announcer;
  /** Publishes the manifest of a version in the bucket, if it can. */
  readonly publish: (version: VersionId) => Promise<PublishOutcome>;
  readonly loadPublished: (name: string, version: string) => Promise<PublishedArtifact | undefined>;
  /** Writes a line of metrics, including the line break. */
  readonly write: (line: string) => void;
}

/** One invocation. */
export interface Turn {
  /** Epoch milliseconds. Remaining work is left to the next invocation. */
  readonly deadlineAt: number;
}

/** Configuration and dependencies of a distributor. */
export interface DistributorOptions {
  readonly config: DistributorConfig;
  readonly records: Records;
  readonly s3: S3Client;
  readonly sns: SNSClient;
  /** In the distributor's account and region: `artifact.covered` is sent to the default bus. */
  readonly events: EventBridgeClient;
  readonly states: SFNClient;
  /** Tells whether accounts that the organization admitted are still in it. Default: that is not known, and they stay trusted. */
  readonly organization?: Organization;
  /** Returns the credentials that sign URLs. URLs expire with them. */
  readonly credentials: () => Promise<AwsCredentials>;
  readonly clock: Clock;
  /** Returns the current W3C Trace Context for announcements. Default: none. */
  readonly traceparent?: () => string | undefined;
  /** Default: `Math.random`. */
  readonly random?: Random;
  /** Default: none. */
  readonly logger?: Logger;
  /** Writes a line of metrics in CloudWatch embedded metric format, including the line break. Default: standard output. */
  readonly write?: (line: string) => void;
}

/** The configuration of a distributor. */
export interface DistributorConfig {
  /** The distributor's account. */
  readonly account: string;
  readonly region: string;
  /** The source bucket. */
  readonly bucket: string;
  /** Prefix of published artifacts: empty, or ends with a slash. */
  readonly prefix: string;
  /** Prefix of uploads without a manifest. Default: no uploads. */
  readonly uploadPrefix?: string;
  /** ARN. */
  readonly topicArn: string;
  readonly trustedAccounts: readonly string[];
  readonly organizationId?: string;
  /** ARN of the state machine for initial sets. Without it, initial sets and replays are disabled. */
  readonly machineArn?: string;
  /** The way in which consumers read files. Default: `auto`. */
  readonly transfer?: "identity" | "presigned" | "auto";
  /** Lifetime of presigned URLs. Default: 3,600. */
  readonly urlSeconds?: number;
  /** True for path-style URLs, for emulators. Default: only for bucket names with dots. */
  readonly pathStyleUrls?: boolean;
  /** Time without a receipt after which files are announced again. Default: 900. */
  readonly overdueSeconds?: number;
  /** Removes older versions that are covered and not current. Default: never. */
  readonly keepDays?: number;
}
