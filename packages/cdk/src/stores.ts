import { defined } from "@stackyard/core";
import { type TableDefinition, toStacksTable, toWorkTable } from "@stackyard/store-dynamodb";
import { Aws, type CfnCondition, Fn, RemovalPolicy } from "aws-cdk-lib";
import { CfnTable } from "aws-cdk-lib/aws-dynamodb";
import { CfnBucket, CfnBucketPolicy, type CfnBucketProps } from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";
import { type Given, toCfn } from "./given.ts";
import type { Permission } from "./policies/statement.ts";
import { readSecret, toDynamodbPermission } from "./policies/yard-permissions.ts";

/** Settings of a table. */
export interface YardTableProps {
  readonly name: string;
  /** The condition under which the table exists. */
  readonly condition?: CfnCondition | undefined;
}

/** Creates the table of stacks, which is retained when everything else is deleted. */
export function createStacksTable(scope: Construct, id: string, props: YardTableProps): CfnTable {
  return createTable(scope, id, { ...props, definition: toStacksTable(props.name) });
}

/** Creates the table of everything else, which is also retained. */
export function createWorkTable(scope: Construct, id: string, props: YardTableProps): CfnTable {
  return createTable(scope, id, { ...props, definition: toWorkTable(props.name) });
}

/** Returns the address of a table that was created here. */
export function toTableAddress(table: CfnTable): TableAddress {
  return { arn: table.attrArn, name: table.ref };
}

/** Returns the address of an existing table of this account and region. */
export function toExistingTable(name: string): TableAddress {
  return { name, arn: `arn:${Aws.PARTITION}:dynamodb:${Aws.REGION}:${Aws.ACCOUNT_ID}:table/${name}` };
}

function createTable(
  scope: Construct,
  id: string,
  { name, definition, condition }: YardTableProps & { readonly definition: TableDefinition },
): CfnTable {
  const { AttributeDefinitions = [], KeySchema = [], GlobalSecondaryIndexes = [] } = definition;
  const table = new CfnTable(scope, id, {
    tableName: name,
    billingMode: "PAY_PER_REQUEST",
    attributeDefinitions: AttributeDefinitions.map(({ AttributeName = "", AttributeType = "S" }) => ({
      attributeName: AttributeName,
      attributeType: AttributeType,
    })),
    keySchema: toKeys(KeySchema),
    globalSecondaryIndexes: GlobalSecondaryIndexes.map((index) => ({
      indexName: index.IndexName ?? "",
      keySchema: toKeys(index.KeySchema ?? []),
      projection: defined({
        projectionType: index.Projection?.ProjectionType ?? "KEYS_ONLY",
        nonKeyAttributes: index.Projection?.NonKeyAttributes,
      }),
    })),
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
  });
  table.applyRemovalPolicy(RemovalPolicy.RETAIN);
  if (condition !== undefined) table.cfnOptions.condition = condition;
  return table;
}

function toKeys(keys: NonNullable<TableDefinition["KeySchema"]>) {
  return keys.map(({ AttributeName = "", KeyType = "HASH" }) => ({ attributeName: AttributeName, keyType: KeyType }));
}

/** A table, as functions and policies name it. */
export interface TableAddress {
  readonly arn: string;
  readonly name: string;
}

/** Where a yard stores its state: two tables, or a Postgres database with a secret in the format of RDS. */
export type YardStore =
  | { readonly kind: "dynamodb"; readonly stacks: TableAddress; readonly work: TableAddress }
  | { readonly kind: "postgres"; readonly secretArn: string };

/** Returns the variables that name the store to an app. */
export function toStoreEnvironment(store: YardStore): Readonly<Record<string, string>> {
  if (store.kind === "postgres") return { POSTGRES_CONNECTION_SECRET: store.secretArn };
  return { DYNAMODB_TABLE: store.stacks.name, DYNAMODB_WORK_TABLE: store.work.name };
}

/** Returns what an app may do with the store. */
export function toStorePermission(store: YardStore): Permission {
  if (store.kind === "postgres") return readSecret(store.secretArn);
  return toDynamodbPermission({ stacksArn: store.stacks.arn, workArn: store.work.arn });
}

/** Settings of a bucket. */
export interface ClosedBucketInput {
  /** Default: CloudFormation chooses it. */
  readonly name?: string;
  /** Default: true. */
  readonly isVersioned?: boolean;
  /** The condition under which it exists. */
  readonly condition?: CfnCondition | undefined;
  /** The customer managed key of its objects. Default: S3's own. */
  readonly keyArn?: Given<string> | undefined;
  /** Returns additional statements of its policy. */
  readonly toStatements?: (bucketArn: string) => readonly unknown[];
  readonly more?: CfnBucketProps;
}

/** Creates a bucket without public access, by TLS only. It is versioned, and retained when everything else is deleted. */
export function createClosedBucket(scope: Construct, id: string, input: ClosedBucketInput): CfnBucket {
  const { name, isVersioned = true, condition, keyArn, toStatements = () => [] } = input;
  const bucket = new CfnBucket(scope, id, {
    ...defined({
      bucketName: name,
      versioningConfiguration: isVersioned ? { status: "Enabled" } : undefined,
    }),
    publicAccessBlockConfiguration: {
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    },
    ownershipControls: { rules: [{ objectOwnership: "BucketOwnerEnforced" }] },
    ...input.more,
  });
  // Spelled as in the template: CDK does not convert the names of nested parts behind a condition.
  if (keyArn !== undefined) bucket.addPropertyOverride("BucketEncryption", toCfn(keyArn, toEncryption));
  bucket.applyRemovalPolicy(RemovalPolicy.RETAIN);
  const policy = new CfnBucketPolicy(scope, `${id}Policy`, {
    bucket: bucket.ref,
    policyDocument: { Version: "2012-10-17", Statement: [denyWithoutTls(bucket), ...toStatements(bucket.attrArn)] },
  });
  if (condition !== undefined) {
    bucket.cfnOptions.condition = condition;
    policy.cfnOptions.condition = condition;
  }
  return bucket;
}

/** As long as the records of a log promise. */
const LOG_DAYS = 7;

/**
 * Creates the bucket of full task logs, with a name from CloudFormation. A part of a log is overwritten while it grows,
 * so versions would add up. A rule removes each object after 7 days.
 */
export function createTaskLogBucket(scope: Construct, id: string, condition?: CfnCondition): CfnBucket {
  const rules = [{ id: "ExpireLogs", status: "Enabled", expirationInDays: LOG_DAYS }];
  return createClosedBucket(scope, id, { isVersioned: false, condition, more: { lifecycleConfiguration: { rules } } });
}

function denyWithoutTls({ attrArn }: CfnBucket): object {
  return {
    Sid: "TlsOnly",
    Effect: "Deny",
    Principal: "*",
    Action: "s3:*",
    Resource: [attrArn, Fn.join("", [attrArn, "/*"])],
    Condition: { Bool: { "aws:SecureTransport": "false" } },
  };
}

function toEncryption(KMSMasterKeyID: string) {
  const ServerSideEncryptionByDefault = { SSEAlgorithm: "aws:kms", KMSMasterKeyID };
  return { ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault, BucketKeyEnabled: true }] };
}
