import { Aws, CfnCondition, Fn, Token } from "aws-cdk-lib";
import type { Construct } from "constructs";

/** Regions that every account has. The list is complete: all regions launched after 20 March 2019 are opt-in regions. */
const DEFAULT_REGIONS = [
  ...["us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1"],
  ...["eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3"],
  ...["ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2"],
];

/**
 * The principals as which SNS sends to a queue of this region: SNS of the opt-in region if topic or queue is in one, and SNS of the
 * queue's region if both are. Otherwise messages are lost without an error. Source: SNS developer guide, "Sending Amazon SNS messages to
 * an Amazon SQS queue or AWS Lambda function in a different Region", which counts ap-northeast-3 among these.
 */
export function toTopicPrincipals(scope: Construct, topicArn: string): readonly unknown[] {
  const here = addOptInCondition(scope, "QueueRegionIsOptIn", Aws.REGION);
  return ["sns.amazonaws.com", Fn.conditionIf(here.logicalId, toPrincipal(Aws.REGION), toPrincipalOf(scope, topicArn))];
}

/** Only the standard partition has opt-in regions. */
function toPrincipalOf(scope: Construct, topicArn: string): unknown {
  const region = Fn.select(3, Fn.split(":", `${topicArn}:::`));
  if (Token.isUnresolved(topicArn)) {
    const there = addOptInCondition(scope, "TopicRegionIsOptIn", region);
    return Fn.conditionIf(there.logicalId, toPrincipal(region), Aws.NO_VALUE);
  }
  const isOptIn = topicArn.startsWith("arn:aws:") && !DEFAULT_REGIONS.includes(region);
  return isOptIn ? toPrincipal(region) : Aws.NO_VALUE;
}

function addOptInCondition(scope: Construct, id: string, region: string): CfnCondition {
  const isDefault = Fn.conditionOr(...DEFAULT_REGIONS.map((name) => Fn.conditionEquals(region, name)));
  return new CfnCondition(scope, id, {
    expression: Fn.conditionAnd(Fn.conditionEquals(Aws.PARTITION, "aws"), Fn.conditionNot(isDefault)),
  });
}

function toPrincipal(region: string): string {
  return Fn.join("", ["sns.", region, ".amazonaws.com"]);
}
