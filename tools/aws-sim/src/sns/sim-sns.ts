import { queryFaults } from "../query-faults.ts";
import { type SimCall, type SimService, textOf } from "../sim-call.ts";
import { SimFault } from "../sim-fault.ts";
import { publish, publishBatch, type SnsMessage, type Subscription } from "./publish.ts";

/** Topics, what was published on them, and who gets it, in this process. */
export interface SimSns {
  readonly service: SimService;
  /** Gives the ARN. */
  addTopic(input: TopicInput): string;
  /** As a queue with raw delivery subscribes. */
  subscribe(topicArn: string, subscription: Subscription): void;
  /** What was published, in order. */
  published(topicArn: string): readonly SnsMessage[];
}

/** A topic and who may see it. */
export interface TopicInput {
  readonly account: string;
  readonly region: string;
  readonly name: string;
  /** Other accounts that its policy lets in. Default: none. */
  readonly sharedWith?: readonly string[];
}

/** ARN of a topic ("Amazon SNS topic": names have at most 256 letters, digits, hyphens and underscores). */
const TOPIC = /^arn:aws[\w-]*:sns:([\w-]+):(\d{12}):([\w-]{1,256}(?:\.fifo)?)$/;

/** SNS without topics. Source: API reference (2010-03-31), "GetTopicAttributes". */
export function createSns(): SimSns {
  const topics = new Map<string, TopicInput>();
  const messages = new Map<string, SnsMessage[]>();
  const subscriptions = new Map<string, Subscription[]>();
  const open = (call: SimCall) => {
    const arn = textOf(call.input, "TopicArn");
    findTopic(topics, call, "Publish");
    return { messages: messages.get(arn) ?? [], subscriptions: subscriptions.get(arn) ?? [] };
  };
  return {
    service: {
      operations: {
        GetTopicAttributes: (call) => getTopicAttributes(topics, call),
        Publish: (call) => publish(open(call), call),
        PublishBatch: (call) => publishBatch(open(call), call),
      },
      // There is no action of batches (service authorization reference, "Amazon SNS").
      toAction: (operation) => `sns:${operation.replace(/Batch$/, "")}`,
      faults: {
        ...queryFaults,
        denied: (who, action) =>
          new SimFault("AuthorizationErrorException", 403, `User: ${who} is not authorized to perform: ${action}`),
      },
    },
    addTopic(input) {
      const arn = `arn:aws:sns:${input.region}:${input.account}:${input.name}`;
      topics.set(arn, input);
      messages.set(arn, []);
      subscriptions.set(arn, []);
      return arn;
    },
    subscribe: (arn, subscription) => void subscriptions.get(arn)?.push(subscription),
    published: (arn) => messages.get(arn) ?? [],
  };
}

function findTopic(
  topics: ReadonlyMap<string, TopicInput>,
  { input, identity, region }: SimCall,
  operation: string,
): { readonly arn: string; readonly owner: string } {
  const arn = textOf(input, "TopicArn");
  const [, home, owner = ""] = TOPIC.exec(arn) ?? [];
  if (home === undefined) throw invalid("TopicArn Reason: An ARN must have at least 6 elements and name a topic");
  // A topic is asked for in its own region only.
  if (home !== region) throw invalid("TopicArn");
  const topic = topics.get(arn);
  if (owner !== identity.account && !topic?.sharedWith?.includes(identity.account)) {
    const what = `SNS:${operation} on resource: ${arn}`;
    throw new SimFault(
      "AuthorizationErrorException",
      403,
      `User: ${identity.arn} is not authorized to perform: ${what} because no resource-based policy allows the action`,
    );
  }
  if (topic === undefined) throw new SimFault("NotFoundException", 404, "Topic does not exist");
  return { arn, owner };
}

function getTopicAttributes(topics: ReadonlyMap<string, TopicInput>, call: SimCall): unknown {
  const { arn, owner } = findTopic(topics, call, "GetTopicAttributes");
  return {
    Attributes: {
      TopicArn: arn,
      Owner: owner,
      DisplayName: "",
      SubscriptionsConfirmed: "0",
      SubscriptionsPending: "0",
      SubscriptionsDeleted: "0",
      EffectiveDeliveryPolicy: "{}",
      Policy: "{}",
    },
  };
}

function invalid(what: string): SimFault {
  return new SimFault("InvalidParameterException", 400, `Invalid parameter: ${what}`);
}
