import { Aws, Fn } from "aws-cdk-lib";

/** The ARN of a bucket by its name. */
export function toBucketArn(bucket: string): string {
  return Fn.join("", ["arn:", Aws.PARTITION, ":s3:::", bucket]);
}
