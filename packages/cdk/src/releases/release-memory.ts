import { type CfnCondition, RemovalPolicy } from "aws-cdk-lib";
import { CfnTable } from "aws-cdk-lib/aws-dynamodb";
import type { CfnBucket } from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";
import type { Given } from "../given.ts";
import { createClosedBucket } from "../store/closed-bucket.ts";

/** Settings of a resource. */
export interface MadeThing {
  readonly name: string;
  /** The condition under which it exists. */
  readonly condition?: CfnCondition | undefined;
}

/** The bucket of documents. */
export interface ReleaseBucketInput extends MadeThing {
  /** The customer managed key of its objects. Default: S3's own, and for user data `alias/aws/s3`. */
  readonly keyArn?: Given<string> | undefined;
}

/** Creates the bucket of documents, user data, halts and locks. It is retained, because it records all releases. */
export function createReleaseBucket(scope: Construct, id: string, input: ReleaseBucketInput): CfnBucket {
  return createClosedBucket(scope, id, input);
}

/** Creates the table of locks, with the predecessor's key. It is retained. */
export function createLockTable(scope: Construct, id: string, { name, condition }: MadeThing): CfnTable {
  const table = new CfnTable(scope, id, {
    tableName: name,
    billingMode: "PAY_PER_REQUEST",
    attributeDefinitions: [{ attributeName: "key", attributeType: "S" }],
    keySchema: [{ attributeName: "key", keyType: "HASH" }],
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
  });
  table.applyRemovalPolicy(RemovalPolicy.RETAIN);
  if (condition !== undefined) table.cfnOptions.condition = condition;
  return table;
}
