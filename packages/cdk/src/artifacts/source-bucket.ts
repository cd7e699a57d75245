import type { CfnBucket } from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";
import { toCfn } from "../given.ts";
import { type ClosedBucketInput, createClosedBucket } from "../store/closed-bucket.ts";
import { type SourcePrefixes, toAnnouncedObjects } from "./source-prefixes.ts";
import { type Switch, whereOn } from "./switch.ts";
import { letConsumers, type TrustedConsumers } from "./trusted-consumers.ts";

/** Settings of the bucket of artifacts. */
export interface SourceBucketInput extends Pick<ClosedBucketInput, "name" | "condition" | "keyArn"> {
  readonly trusted: TrustedConsumers;
  /** Consumers that may read it themselves. */
  readonly readByIdentity: Switch;
  readonly prefixes: SourcePrefixes;
}

const ABORT_AFTER_DAYS = 7;

/** Creates the bucket of artifacts, which sends EventBridge an event for each new object. It is retained. */
export function createSourceBucket(scope: Construct, id: string, input: SourceBucketInput): CfnBucket {
  const { trusted, readByIdentity, prefixes, ...made } = input;
  return createClosedBucket(scope, id, {
    ...made,
    toStatements: (arn) => letRead(toAnnouncedObjects(arn, prefixes), trusted, readByIdentity),
    more: {
      bucketName: made.name,
      notificationConfiguration: { eventBridgeConfiguration: { eventBridgeEnabled: true } },
      lifecycleConfiguration: {
        rules: [
          {
            id: "AbortUploads",
            status: "Enabled",
            abortIncompleteMultipartUpload: { daysAfterInitiation: ABORT_AFTER_DAYS },
          },
        ],
      },
    },
  });
}

/** Each statement depends on the condition of its own consumers, which is nested in the condition of the whole policy. */
function letRead(resources: readonly string[], trusted: TrustedConsumers, readByIdentity: Switch): readonly unknown[] {
  const statements = letConsumers(trusted, {
    sid: "Read",
    actions: ["s3:GetObject", "s3:GetObjectVersion"],
    resources,
  });
  return statements.flatMap((statement) => whereOn(readByIdentity, statement)).map((given) => toCfn(given, toItself));
}

function toItself(statement: unknown): unknown {
  return statement;
}
