import { type CfnCondition, Fn, RemovalPolicy } from "aws-cdk-lib";
import { CfnTable } from "aws-cdk-lib/aws-dynamodb";
import { CfnBucket, CfnBucketPolicy } from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";
import { type Given, toCfn } from "../given.ts";

/** How something is made. */
export interface MadeThing {
  readonly name: string;
  /** It is there only then. */
  readonly condition?: CfnCondition | undefined;
}

/** The bucket of documents. */
export interface ReleaseBucketInput extends MadeThing {
  /** The customer's key of its objects. Default: S3's own, and for user data `alias/aws/s3`. */
  readonly keyArn?: Given<string> | undefined;
}

/**
 * Makes the bucket of documents, user data, halts and locks: with versions, closed to the public, by TLS only. It is kept when
 * everything else is removed, since it knows which releases there were.
 */
export function createReleaseBucket(scope: Construct, id: string, input: ReleaseBucketInput): CfnBucket {
  const { name, condition, keyArn } = input;
  const bucket = new CfnBucket(scope, id, {
    bucketName: name,
    versioningConfiguration: { status: "Enabled" },
    publicAccessBlockConfiguration: {
      ...{ blockPublicAcls: true, blockPublicPolicy: true, ignorePublicAcls: true, restrictPublicBuckets: true },
    },
    ownershipControls: { rules: [{ objectOwnership: "BucketOwnerEnforced" }] },
  });
  // As the template spells it: the names of parts within parts are spelled by nobody behind a condition.
  if (keyArn !== undefined) bucket.addPropertyOverride("BucketEncryption", toCfn(keyArn, toEncryption));
  bucket.applyRemovalPolicy(RemovalPolicy.RETAIN);
  const policy = new CfnBucketPolicy(scope, `${id}Policy`, {
    bucket: bucket.ref,
    policyDocument: {
      Version: "2012-10-17",
      Statement: [
        {
          ...{ Sid: "TlsOnly", Effect: "Deny", Principal: "*", Action: "s3:*" },
          Resource: [bucket.attrArn, Fn.join("", [bucket.attrArn, "/*"])],
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        },
      ],
    },
  });
  if (condition !== undefined) {
    bucket.cfnOptions.condition = condition;
    policy.cfnOptions.condition = condition;
  }
  return bucket;
}

function toEncryption(KMSMasterKeyID: string) {
  const ServerSideEncryptionByDefault = { SSEAlgorithm: "aws:kms", KMSMasterKeyID };
  return { ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault, BucketKeyEnabled: true }] };
}

/** Makes the table of locks, with the predecessor's key. It is kept. */
export function createLockTable(scope: Construct, id: string, { name, condition }: MadeThing): CfnTable {
  const table = new CfnTable(scope, id, {
    ...{ tableName: name, billingMode: "PAY_PER_REQUEST" },
    attributeDefinitions: [{ attributeName: "key", attributeType: "S" }],
    keySchema: [{ attributeName: "key", keyType: "HASH" }],
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
  });
  table.applyRemovalPolicy(RemovalPolicy.RETAIN);
  if (condition !== undefined) table.cfnOptions.condition = condition;
  return table;
}
