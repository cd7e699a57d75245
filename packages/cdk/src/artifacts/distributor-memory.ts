import { Aws, CfnCondition, Fn, RemovalPolicy, Token } from "aws-cdk-lib";
import { Construct } from "constructs";
import { createRecordsTable } from "../ecs-task/ecs-task-memory.ts";
import { findCondition, type Given, toValue } from "../given.ts";
import type { ExistingMemory } from "./distributor-props.ts";
import { createSourceBucket, type SourceBucketInput } from "./source-bucket.ts";

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
    this.tableArn = Fn.join("", [
      "arn:",
      Aws.PARTITION,
      ":dynamodb:",
      Aws.REGION,
      ":",
      Aws.ACCOUNT_ID,
      ":table/",
      this.tableName,
    ]);
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
