import { defined } from "@stackyard/core";
import { Aws, CfnCondition, CfnResource, Fn, Token } from "aws-cdk-lib";
import { CfnSubscription } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import type { Given, Switch } from "../given.ts";
import { createWorkQueue, type QueueAddress } from "../queues.ts";

/** The sources of the queue's messages. */
export interface ConsumerQueuesProps {
  readonly topicArn: string;
  readonly topicRegion: string;
  readonly visibilitySeconds: number;
  /** The customer managed key; its policy must let SNS use it. Default: SQS's own, which needs no policy. */
  readonly kmsKeyArn?: Given<string> | undefined;
  /** The subscription has a filter policy. */
  readonly topicFilter: Switch;
}

const DAY_SECONDS = 86_400;
/** The maximum retention of SQS. Source: "Amazon SQS message quotas", message retention. */
const KEPT_SECONDS = 14 * DAY_SECONDS;
/** The function itself counts attempts without progress: a long copy takes many deliveries. */
const MAX_RECEIVE_COUNT = 50;

/** The queue of a consumer, with one queue for rejected messages and one for dead letters. */
export class ConsumerQueues extends Construct {
  readonly queue: QueueAddress;
  readonly deadLetters: QueueAddress;
  readonly parking: QueueAddress;
  /** Messages arrive once these exist. */
  readonly delivery: readonly CfnResource[];
  /** ARN of the subscription to the topic. */
  readonly subscriptionArn: string;

  constructor(scope: Construct, id: string, props: ConsumerQueuesProps) {
    super(scope, id);
    const key = defined({ kmsKeyArn: props.kmsKeyArn });
    this.deadLetters = createWorkQueue(this, "DeadLetterQueue", key);
    this.parking = createWorkQueue(this, "ParkingQueue", key);
    this.queue = createWorkQueue(this, "Queue", {
      ...key,
      visibilitySeconds: props.visibilitySeconds,
      keptSeconds: KEPT_SECONDS,
      deadLetterArn: this.deadLetters.arn,
      maxReceiveCount: MAX_RECEIVE_COUNT,
      toStatements: (queueArn) => [letTopicSend(queueArn, props.topicArn, toTopicPrincipals(this, props.topicArn))],
    });
    const subscription = subscribe(this, this.queue.arn, props);
    const policy = this.node.findChild("QueuePolicy");
    if (!CfnResource.isCfnResource(policy)) throw new TypeError("The queue has no policy.");
    // Messages that are published before SNS may send are lost.
    subscription.addResourceDependency(policy);
    this.delivery = [subscription, policy];
    this.subscriptionArn = subscription.ref;
  }
}

/**
 * Returns the statement that lets the topic send. The account in the topic's ARN decides, because the SNS docs do not
 * guarantee that SNS always sends one.
 */
function letTopicSend(queueArn: string, topicArn: string, principals: readonly unknown[]): object {
  return {
    Sid: "Topic",
    Effect: "Allow",
    Principal: { Service: principals },
    Action: "sqs:SendMessage",
    Resource: queueArn,
    Condition: {
      ArnEquals: { "aws:SourceArn": topicArn },
      StringEqualsIfExists: { "aws:SourceAccount": Fn.select(4, Fn.split(":", topicArn)) },
    },
  };
}

/** Matches messages for all consumers, and those for this account and region, unless it has no filter. */
function subscribe(
  scope: Construct,
  queueArn: string,
  { topicArn, topicRegion, topicFilter }: ConsumerQueuesProps,
): CfnSubscription {
  return new CfnSubscription(scope, "QueueSubscription", {
    topicArn,
    region: topicRegion,
    protocol: "sqs",
    endpoint: queueArn,
    rawMessageDelivery: true,
    filterPolicy: toFilterPolicy(topicFilter),
  });
}

/** An empty policy matches everything, and takes away the one from before. */
function toFilterPolicy(topicFilter: Switch): object {
  const own = { account: ["ALL", Aws.ACCOUNT_ID], region: ["ALL", Aws.REGION] };
  if (typeof topicFilter === "boolean") return topicFilter ? own : {};
  return Fn.conditionIf(topicFilter.logicalId, own, {});
}

/** Regions that every account has. The list is complete: all regions launched after 20 March 2019 are opt-in regions. */
const DEFAULT_REGIONS = [
  ...["us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1"],
  ...["eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3"],
  ...["ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2"],
];

/**
 * Returns the principals as which SNS sends to a queue of this region: SNS of the opt-in region if topic or queue is in
 * one, and SNS of the queue's region if both are. Otherwise messages are lost without an error. Source: SNS developer
 * guide, "Sending Amazon SNS messages to an Amazon SQS queue or AWS Lambda function in a different Region", which
 * counts ap-northeast-3 among these.
 */
export function toTopicPrincipals(scope: Construct, topicArn: string): readonly unknown[] {
  const here = addOptInCondition(scope, "QueueRegionIsOptIn", Aws.REGION);
  return ["sns.amazonaws.com", Fn.conditionIf(here.logicalId, toPrincipal(Aws.REGION), toPrincipalOf(scope, topicArn))];
}

/** Returns the topic's principal if it is in an opt-in region, which only the standard partition has. */
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
