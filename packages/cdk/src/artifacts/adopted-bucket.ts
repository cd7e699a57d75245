import { Aws, CfnResource, Fn } from "aws-cdk-lib";
import type { Code } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { AppFunction } from "../functions/app-function.ts";
import { type Given, toCfnText } from "../given.ts";
import { adoptBucket, emptyBucket, spareSource } from "../policies/consumer-permissions.ts";
import { HANDLERS } from "./consumer-props.ts";
import type { ResourceSettings } from "./initial-set-trigger.ts";
import { type Switch, toFlag, whereOn } from "./switch.ts";

/** A bucket that is created, or adopted if it already exists. */
export interface AdoptedBucketProps extends ResourceSettings {
  readonly code: Code;
  /** Account and region are appended. */
  readonly prefix: string;
  /** The bucket that artifacts come from: it is never adopted. */
  readonly sourceBucket: string;
  readonly kmsKeyArn?: Given<string> | undefined;
  readonly emptyOnDelete: Switch;
}

/** Emptying takes one call per thousand versions; the rest takes seconds. */
const TIMEOUT_SECONDS = 900;

/**
 * A bucket that outlives its stack, so that CloudFormation cannot create it again: if this account already has the bucket, it is
 * adopted. It has no deletion policy, because its function decides what to keep.
 */
export class AdoptedBucket extends Construct {
  readonly bucketName: string;

  constructor(scope: Construct, id: string, { code, prefix, emptyOnDelete, ...props }: AdoptedBucketProps) {
    super(scope, id);
    const name = Fn.join("", [prefix, "-", Aws.ACCOUNT_ID, "-", Aws.REGION]);
    const { arn } = new AppFunction(new Construct(this, "Functions"), "AdoptedBucket", {
      ...props.settings,
      code,
      handler: HANDLERS.bucket,
      timeoutSeconds: TIMEOUT_SECONDS,
      recursiveLoop: "Terminate",
      description: "Stackyard: makes the bucket of artifacts, or takes over the one that is there.",
      permissions: [adoptBucket(name), spareSource(props.sourceBucket), ...whereOn(emptyOnDelete, emptyBucket(name))],
      environment: { ...props.environment },
    });
    const bucket = new CfnResource(this, "AdoptedBucket", {
      type: "Custom::AdoptedBucket",
      properties: {
        ServiceToken: arn,
        BucketName: name,
        EmptyOnDelete: toFlag(emptyOnDelete),
        ...(props.kmsKeyArn === undefined ? {} : { KmsKeyArn: toCfnText(props.kmsKeyArn) }),
      },
    });
    this.bucketName = bucket.ref;
  }
}
