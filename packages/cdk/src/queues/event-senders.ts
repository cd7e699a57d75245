import { Fn } from "aws-cdk-lib";
import { CfnSubscription } from "aws-cdk-lib/aws-sns";
import type { Construct } from "constructs";
import { findCondition, type Given, mapGiven, toCfn, toValue } from "../given.ts";

/** Who sends events besides roles and users of the yard's own account, for which policies of theirs are enough. */
export interface EventSenders {
  /** A topic of SNS in front of the queue, which is subscribed to it. A FIFO queue takes a FIFO topic. */
  readonly topicArn?: Given<string>;
  /** Rules of EventBridge whose target is the queue. */
  readonly ruleArns?: Given<readonly string[]>;
  /** Of other accounts: an account's number, or the ARN of a role or user. */
  readonly principals?: Given<readonly string[]>;
}

/**
 * The statements of the queue's policy that let them send. A queue has one policy, so it also contains the statement that denies
 * calls without TLS. A service may send only for the named resources, because every account can have a topic or a rule.
 */
export function letSend(queueArn: string, { topicArn, ruleArns, principals }: EventSenders): readonly object[] {
  const services = [
    topicArn && mapGiven(topicArn, (arn) => ofService("Topic", "sns", arn)),
    ruleArns && mapGiven(ruleArns, (arns) => ofService("Rules", "events", arns)),
    principals && mapGiven(principals, (AWS) => ({ Sid: "OtherAccounts", Principal: { AWS } })),
  ];
  return services.flatMap((given) => {
    if (given === undefined || given === "") return [];
    const allowed = mapGiven<object, object>(given, (who) => ({
      ...who,
      Effect: "Allow",
      Action: "sqs:SendMessage",
      Resource: queueArn,
    }));
    return [toCfn(allowed, (statement) => statement)];
  });
}

/** Subscribes a queue to a topic, with raw messages. The topic may be in another region. */
export function subscribeToTopic(scope: Construct, id: string, queueArn: string, topicArn: Given<string>): void {
  const arn = toValue(topicArn);
  const subscription = new CfnSubscription(scope, id, {
    topicArn: arn,
    region: Fn.select(3, Fn.split(":", arn)),
    protocol: "sqs",
    endpoint: queueArn,
    rawMessageDelivery: true,
  });
  const condition = findCondition(topicArn);
  if (condition !== undefined) subscription.cfnOptions.condition = condition;
}

function ofService(sid: string, service: string, sources: string | readonly string[]): object {
  return {
    Sid: sid,
    Principal: { Service: `${service}.amazonaws.com` },
    Condition: { ArnEquals: { "aws:SourceArn": sources } },
  };
}
