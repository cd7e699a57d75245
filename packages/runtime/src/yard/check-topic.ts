import type { SNSClient, Subscription } from "@aws-sdk/client-sns";
import { toAwsError } from "@stackyard/aws";
import { type Finding, fail, ok } from "@stackyard/sdk/commands";
import type { QueueFacts } from "./load-queue.ts";
import type { YardScene } from "./yard-scene.ts";

/** Checks whether messages to the yard's topic reach its queue of events. Throws errors of SNS. */
export async function checkTopic(
  { parts, aws }: YardScene,
  queues: readonly QueueFacts[],
): Promise<readonly Finding[]> {
  const { eventTopicArn } = parts;
  if (eventTopicArn === undefined) return [];
  const { SNSClient } = await import("@aws-sdk/client-sns");
  const subscriptions = await listSubscriptions(aws.client(SNSClient, undefined), eventTopicArn);
  return evaluateTopic(
    eventTopicArn,
    subscriptions,
    queues.find(({ role }) => role === "events"),
  );
}

async function listSubscriptions(sns: SNSClient, TopicArn: string): Promise<readonly Subscription[]> {
  const { paginateListSubscriptionsByTopic } = await import("@aws-sdk/client-sns");
  const found: Subscription[] = [];
  try {
    for await (const page of paginateListSubscriptionsByTopic({ client: sns }, { TopicArn })) {
      found.push(...(page.Subscriptions ?? []));
    }
    return found;
  } catch (error) {
    throw toAwsError(error, `Could not read topic ${TopicArn}.`);
  }
}

/** Returns the findings about a topic in front of a queue. Undefined: the queue is unknown. */
export function evaluateTopic(
  topicArn: string,
  subscriptions: readonly Pick<Subscription, "Protocol" | "Endpoint">[],
  queue: Pick<QueueFacts, "arn" | "name" | "statements"> | undefined,
): readonly Finding[] {
  const name = topicArn.split(":").at(-1) ?? topicArn;
  if (queue === undefined) return [ok("topic", `${name} exists.`)];
  const isSubscribed = subscriptions.some(({ Protocol, Endpoint }) => Protocol === "sqs" && Endpoint === queue.arn);
  if (!isSubscribed) {
    const command = `aws sns subscribe --topic-arn ${topicArn} --protocol sqs --notification-endpoint ${queue.arn}`;
    return [
      fail("topic", `${queue.name} is not subscribed to ${name}: events do not arrive.`, `Subscribe it: ${command}`),
    ];
  }
  const isAllowed = queue.statements.some(
    ({ effect, principals }) =>
      effect === "Allow" && principals.some((principal) => ["*", "sns.amazonaws.com"].includes(principal)),
  );
  if (isAllowed) return [ok("topic", `${name} leads to ${queue.name}.`)];
  const message = `The policy of ${queue.name} does not let ${name} send: events do not arrive.`;
  return [fail("topic", message, "Allow sqs:SendMessage to sns.amazonaws.com where aws:SourceArn is the topic.")];
}
