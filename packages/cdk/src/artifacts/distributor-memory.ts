import { Aws, CfnCondition, Fn, RemovalPolicy, Token } from "aws-cdk-lib";
import type { CfnBucket } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import { createRecordsTable } from "../ecs-task/ecs-task.ts";
import { findCondition, type Given, type Switch, toCfn, toValue, whereOn } from "../given.ts";
import { type ClosedBucketInput, createClosedBucket, toExistingTable } from "../stores.ts";
import { letConsumers, type TrustedConsumers } from "./announcements.ts";
import { type ExistingMemory, type SourcePrefixes, toAnnouncedObjects } from "./distributor-props.ts";

/** The storage of a distributor. */
export interface DistributorMemoryProps
  extends Pick<SourceBucketInput, "trusted" | "readByIdentity" | "keyArn" | "prefixes"> {
  readonly existing: ExistingMemory;
  readonly bucketPrefix: string;
  readonly tableName: string;
}

/** The bucket of artifacts and the table of records, created unless they exist. */
export class DistributorMemory extends Construct {
  readonly bucketName: string;
  readonly tableName: string;
  readonly tableArn: string;

  constructor(scope: Construct, id: string, props: DistributorMemoryProps) {
    super(scope, id);
    const { existing, bucketPrefix, tableName } = props;
    const name = Fn.join("", [bucketPrefix, "-", Aws.ACCOUNT_ID, "-", Aws.REGION]);
    this.bucketName = this.#choose(existing.bucket, "MakesSourceBucket", (condition) => {
      return createSourceBucket(this, "SourceBucket", { ...props, name, condition }).ref;
    });
    this.tableName = this.#choose(existing.table, "MakesRecords", (condition) => {
      const table = createRecordsTable(this, "Records", tableName);
      // The table records which consumer has which version.
      table.applyRemovalPolicy(RemovalPolicy.RETAIN);
      table.pointInTimeRecoverySpecification = { pointInTimeRecoveryEnabled: true };
      if (condition !== undefined) table.cfnOptions.condition = condition;
      return table.ref;
    });
    this.tableArn = toExistingTable(this.tableName).arn;
  }

  #choose(
    existing: Given<string> | undefined,
    conditionId: string,
    make: (condition?: CfnCondition) => string,
  ): string {
    if (existing === undefined) return make();
    const isThere = findCondition(existing);
    if (isThere === undefined) return toValue(existing);
    const makes = new CfnCondition(this, conditionId, { expression: Fn.conditionNot(isThere) });
    return Token.asString(Fn.conditionIf(isThere.logicalId, toValue(existing), make(makes)));
  }
}

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

/**
 * Lets consumers read. Each statement depends on the condition of its own consumers, which is nested in the condition
 * of the whole policy.
 */
function letRead(resources: readonly string[], trusted: TrustedConsumers, readByIdentity: Switch): readonly unknown[] {
  const statements = letConsumers(trusted, {
    sid: "Read",
    fixed: true,
    actions: ["s3:GetObject", "s3:GetObjectVersion"],
    resources,
  });
  const readable = statements.flatMap((statement) => whereOn(readByIdentity, statement));
  return readable.map((given) => toCfn(given, (statement) => statement));
}
