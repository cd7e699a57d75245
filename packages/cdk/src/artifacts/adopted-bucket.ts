import { Aws, CfnResource, Fn } from "aws-cdk-lib";
import type { Code } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { AppFunction } from "../functions/app-function.ts";
import { type Given, toCfnText } from "../given.ts";
import { adoptBucket, emptyBucket, spareSource } from "../policies/consumer-permissions.ts";
import { HANDLERS } from "./consumer-props.ts";
import type { ResourceSettings } from "./initial-set-trigger.ts";
import { type Switch, toFlag, whereOn } from "./switch.ts";

/** A bucket that is made, or taken over where it is there. */
export interface AdoptedBucketProps extends ResourceSettings {
  readonly code: Code;
  /** Account and region follow. */
  readonly prefix: string;
  /** Where artifacts come from: it is never taken over. */
  readonly sourceBucket: string;
  readonly kmsKeyArn?: Given<string> | undefined;
  readonly emptyOnDelete: Switch;
}

/** Emptying takes a call for each thousand versions; the rest is done in seconds. */
const TIMEOUT_SECONDS = 900;

/**
 * A bucket that outlives its stack, which CloudFormation cannot have again: where the bucket is there and this account's, it is taken
 * over. It has no deletion policy, since its function decides what is kept.
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
