import type { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import type { S3Client } from "@aws-sdk/client-s3";
import type { SFNClient } from "@aws-sdk/client-sfn";
import type { Logger } from "@stackyard/core";
import type { Announcer, PublishedArtifact } from "../announce/announcer.ts";
import type { RecordDeps } from "../registry/change-record.ts";
import type { TrustConfig } from "../trust/judge-trust.ts";
import type { DistributorConfig } from "./distributor-config.ts";

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
