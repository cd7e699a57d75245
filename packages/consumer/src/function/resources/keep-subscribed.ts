import { ListSubscriptionsCommand, type SNSClient, SubscribeCommand, UnsubscribeCommand } from "@aws-sdk/client-sns";
import { callAws } from "@stackyard/aws";
import type { CustomResourceRequest } from "@stackyard/aws/custom-resource";
import { isMap, isStackyardError, listPages, retry } from "@stackyard/core";
import { type ResourceDeps, refusal } from "./resource-answer.ts";

/** The subscription of the consumer's queue, from the properties of the resource. */
interface WantedSubscription {
  readonly topicArn: string;
  readonly queueArn: string;
  /** The subscription that the stack has made. */
  readonly made: string | undefined;
  /** False: it has no filter policy, of which a topic has 200 by default. */
  readonly isFiltered: boolean;
}

/** A new right of a role can be denied for some seconds. */
const PAUSES_MS = [1_000, 3_000, 8_000, 15_000];

/**
 * Subscribes the queue again when an account is trusted again: the distributor has ended its subscription, and CloudFormation does not
 * make again what another has removed. SNS returns the existing subscription where there is one ("Subscribe").
 */
export async function keepSubscribed(
  { account, region, clock }: ResourceDeps,
  sns: SNSClient,
  request: CustomResourceRequest,
): Promise<void> {
  const wanted = findWanted(request);
  if (wanted === undefined) return;
  const command = new SubscribeCommand({
    TopicArn: wanted.topicArn,
    Protocol: "sqs",
    Endpoint: wanted.queueArn,
    Attributes: {
      RawMessageDelivery: "true",
      FilterPolicy: JSON.stringify(wanted.isFiltered ? { account: ["ALL", account], region: ["ALL", region] } : {}),
    },
  });
  const what = `The topic ${wanted.topicArn} did not accept the subscription of the queue.`;
  try {
    await retry(() => callAws(() => sns.send(command), { what, advice: ADVICE }), {
      tries: PAUSES_MS.length + 1,
      // A request that is refused as it is will be refused again.
      isRetryable: (error) => !isStackyardError(error, "CONFIG_INVALID"),
      pause: (failed) => clock.sleep(PAUSES_MS[failed - 1] ?? 0),
    });
  } catch (error) {
    if (!isSubscribedOtherwise(error))
      throw refusal("SUBSCRIPTION_FAILED", error instanceof Error ? error.message : String(error));
  }
}

/** Ends a subscription of the queue that the stack has not made itself. */
export async function endOwnSubscription(sns: SNSClient, request: CustomResourceRequest): Promise<void> {
  const wanted = findWanted(request);
  if (wanted === undefined) return;
  const pages = listPages(async ({ cursor: NextToken }) => {
    const page = await sns.send(new ListSubscriptionsCommand({ NextToken }));
    // Emulators return an empty one.
    return { ...page, cursor: page.NextToken || undefined };
  });
  for await (const { Subscriptions = [] } of pages) {
    for (const { TopicArn, Endpoint, SubscriptionArn } of Subscriptions) {
      const isOurs = TopicArn === wanted.topicArn && Endpoint === wanted.queueArn && SubscriptionArn !== wanted.made;
      if (isOurs) await sns.send(new UnsubscribeCommand({ SubscriptionArn }));
    }
  }
}

/** Templates of predecessors name no queue: their subscription is theirs. */
function findWanted({ ResourceProperties }: CustomResourceRequest): WantedSubscription | undefined {
  if (!isMap(ResourceProperties)) return undefined;
  const topicArn = findText(ResourceProperties["Topic"]);
  const queueArn = findText(ResourceProperties["Queue"]);
  if (topicArn === undefined || queueArn === undefined) return undefined;
  const made = findText(ResourceProperties["Subscription"]);
  return { topicArn, queueArn, made, isFiltered: ResourceProperties["TopicFilter"] !== "false" };
}

function findText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** "Subscription already exists with different attributes": the template decides about them. */
function isSubscribedOtherwise(error: unknown): boolean {
  return error instanceof Error && error.message.includes("already exists");
}

/** SNS guide, "Filter policy constraints": 200 per topic by default; a subscription without a filter policy is still taken. */
const OVER_QUOTA = "Deploy the consumer with TopicFilter=false, or ask AWS for more filter policies per topic.";
const ADVICE = {
  FilterPolicyLimitExceeded: OVER_QUOTA,
  FilterPolicyLimitExceededException: OVER_QUOTA,
  FORBIDDEN: "The distributor must trust this account, and the role needs sns:Subscribe.",
};
