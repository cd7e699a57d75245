import { type CfnCondition, Fn, RemovalPolicy } from "aws-cdk-lib";
import { CfnBucket, CfnBucketPolicy, type CfnBucketProps } from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";
import { type Given, toCfn } from "../given.ts";

/** Settings of a bucket. */
export interface ClosedBucketInput {
  readonly name: string;
  /** The condition under which it exists. */
  readonly condition?: CfnCondition | undefined;
  /** The customer managed key of its objects. Default: S3's own. */
  readonly keyArn?: Given<string> | undefined;
  /** Additional statements of its policy. */
  readonly toStatements?: (bucketArn: string) => readonly unknown[];
  readonly more?: CfnBucketProps;
}

/** Creates a versioned bucket without public access, by TLS only. It is retained when everything else is deleted. */
export function createClosedBucket(scope: Construct, id: string, input: ClosedBucketInput): CfnBucket {
  const { name, condition, keyArn, toStatements = () => [] } = input;
  const bucket = new CfnBucket(scope, id, {
    bucketName: name,
    versioningConfiguration: { status: "Enabled" },
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
