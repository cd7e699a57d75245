import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { queryFaults } from "./service-faults.ts";
import { findText, type NamedResource, type SimCall, type SimService, textOf } from "./sim-call.ts";
import { SimFault } from "./sim-fault.ts";

/** Topics, what was published on them, and who gets it, in this process. */
interface SimSns {
  readonly service: SimService;
  /** Gives the ARN. */
  addTopic(input: TopicInput): string;
  /** Subscribes like a queue with raw delivery. Returns the ARN of the subscription. */
  subscribe(topicArn: string, subscription: Subscription): string;
  /** Ends a subscription, as its owner or the topic's does. */
  end(arn: string): void;
  /** Returns the subscriptions of a topic. */
  subscriptions(topicArn: string): readonly ListedSubscription[];
  /** Returns the published messages, in order. */
  published(topicArn: string): readonly SnsMessage[];
}

/** A topic and who may see it. */
interface TopicInput extends NamedResource {
  /** Other accounts that its policy lets in. Default: none. */
  readonly sharedWith?: readonly string[];
}

/** ARN of a topic ("Amazon SNS topic": names have at most 256 letters, digits, hyphens and underscores). */
const TOPIC = /^arn:aws[\w-]*:sns:([\w-]+):(\d{12}):([\w-]{1,256}(?:\.fifo)?)$/;

/** Creates SNS without topics. Source: API reference (2010-03-31), "GetTopicAttributes". */
export function createSns(): SimSns {
  const topics = new Map<string, TopicInput>();
  const messages = new Map<string, SnsMessage[]>();
  const subscriptions = new Map<string, ListedSubscription[]>();
  const open = (call: SimCall) => {
    const arn = textOf(call.input, "TopicArn");
    findTopic(topics, call, "Publish");
    return { messages: messages.get(arn) ?? [], subscriptions: subscriptions.get(arn) ?? [] };
  };
  return {
    service: {
      operations: {
        GetTopicAttributes: (call) => getTopicAttributes(topics, call),
        PublishBatch: (call) => publishBatch(open(call), call),
        Subscribe: (call) => subscribeQueue(topics, subscriptions, call),
        ListSubscriptions: (call) => listOwn(subscriptions, call),
        ListSubscriptionsByTopic: (call) => listSubscriptions(open(call).subscriptions, call),
        Unsubscribe: (call) => unsubscribe(subscriptions, call),
      },
      // Batches do not have an IAM action (service authorization reference, "Amazon SNS").
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
    subscribe(topicArn, subscription) {
      const arn = `${topicArn}:${randomUUID()}`;
      const owner = topics.get(topicArn)?.account ?? "";
      subscriptions.get(topicArn)?.push({ owner, endpoint: "", ...subscription, arn, topicArn });
      return arn;
    },
    end(arn) {
      for (const [topic, all] of subscriptions)
        subscriptions.set(
          topic,
          all.filter((each) => each.arn !== arn),
        );
    },
    subscriptions: (arn) => subscriptions.get(arn) ?? [],
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
  // A topic is only served in its own region.
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

/** A message as it was published. */
export interface SnsMessage {
  readonly messageId: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Who gets what. */
interface Subscription {
  /** The account that subscribed. Default: that of the topic. */
  readonly owner?: string;
  /** The ARN of a queue. Default: none. */
  readonly endpoint?: string;
  /** Values by attribute. Default: everything. */
  readonly filterPolicy?: Readonly<Record<string, readonly string[]>>;
  readonly deliver: (message: SnsMessage) => void;
}

/** A subscription that is confirmed. */
interface ListedSubscription extends Subscription {
  readonly arn: string;
  readonly topicArn: string;
  readonly owner: string;
  readonly endpoint: string;
}

/** A topic's messages and subscribers. */
interface Topic {
  readonly messages: SnsMessage[];
  readonly subscriptions: readonly ListedSubscription[];
}

/** "ListSubscriptionsByTopic": up to 100 of them. */
const MAX_LISTED = 100;

function listSubscriptions(subscriptions: readonly ListedSubscription[], { input }: SimCall): unknown {
  const from = Number(findText(input, "NextToken") ?? 0);
  const page = subscriptions.slice(from, from + MAX_LISTED);
  const Subscriptions = page.map(({ arn, topicArn, owner, endpoint }) => {
    return { SubscriptionArn: arn, TopicArn: topicArn, Owner: owner, Endpoint: endpoint, Protocol: "sqs" };
  });
  const isWhole = from + MAX_LISTED >= subscriptions.length;
  return { Subscriptions, ...(isWhole ? {} : { NextToken: String(from + MAX_LISTED) }) };
}

/** SNS guide, "Filter policy constraints": by default 200 filter policies per topic. A subscription without one is still taken. */
const MAX_FILTER_POLICIES = 200;

/**
 * "Subscribe": a queue of the caller, confirmed at once. What exists with the same attributes is returned; with others it is refused.
 * What is delivered by it is not played.
 */
function subscribeQueue(
  topics: ReadonlyMap<string, TopicInput>,
  subscriptions: ReadonlyMap<string, ListedSubscription[]>,
  call: SimCall,
): unknown {
  const { arn: topicArn } = findTopic(topics, call, "Subscribe");
  const endpoint = textOf(call.input, "Endpoint");
  const attributes: Readonly<Record<string, string>> = Object(call.input["Attributes"]);
  const filterPolicy: Readonly<Record<string, readonly string[]>> = JSON.parse(attributes["FilterPolicy"] ?? "{}");
  const all = subscriptions.get(topicArn) ?? [];
  const known = all.find((each) => each.endpoint === endpoint);
  if (known !== undefined && !isDeepStrictEqual(known.filterPolicy ?? {}, filterPolicy)) {
    throw invalid("Attributes Reason: Subscription already exists with different attributes");
  }
  if (known !== undefined) return { SubscriptionArn: known.arn };
  const filtered = all.filter((each) => Object.keys(each.filterPolicy ?? {}).length > 0);
  if (Object.keys(filterPolicy ?? {}).length > 0 && filtered.length >= MAX_FILTER_POLICIES) {
    throw new SimFault("FilterPolicyLimitExceeded", 403, "Filter policy limit exceeded for this topic.");
  }
  const arn = `${topicArn}:${randomUUID()}`;
  const subscription = { owner: call.identity.account, endpoint, filterPolicy: filterPolicy ?? {}, deliver: () => {} };
  all.push({ ...subscription, arn, topicArn });
  return { SubscriptionArn: arn };
}

/** "ListSubscriptions": those of the caller, in its region. */
function listOwn(subscriptions: ReadonlyMap<string, ListedSubscription[]>, call: SimCall): unknown {
  const { identity, region } = call;
  const own = [...subscriptions.values()]
    .flat()
    .filter(({ owner, topicArn }) => owner === identity.account && topicArn.split(":")[3] === region);
  return listSubscriptions(own, call);
}

/** "Unsubscribe": the owner of the subscription or of the topic. */
function unsubscribe(topics: ReadonlyMap<string, ListedSubscription[]>, { input, identity }: SimCall): unknown {
  const arn = textOf(input, "SubscriptionArn");
  const of = [...topics.values()].find((each) => each.some((subscription) => subscription.arn === arn));
  const index = of?.findIndex((subscription) => subscription.arn === arn) ?? -1;
  const found = of?.[index];
  if (of === undefined || found === undefined)
    throw new SimFault("NotFoundException", 404, "Subscription does not exist");
  if (found.owner !== identity.account && !found.topicArn.includes(`:${identity.account}:`)) {
    throw new SimFault("AuthorizationErrorException", 403, `User: ${identity.arn} is not authorized to unsubscribe`);
  }
  of.splice(index, 1);
  return {};
}

/** "Publish" and "PublishBatch": 256 KB with attributes, for a batch all together. */
const MAX_BYTES = 262_144;
/** "PublishBatch": up to 10 messages. */
const MAX_ENTRIES = 10;

interface Entry {
  readonly Id?: string;
  readonly Message?: string;
  readonly MessageAttributes?: Readonly<Record<string, { readonly DataType?: string; readonly StringValue?: string }>>;
}

/** Implements PublishBatch: the whole batch is refused for its form; entries with no message fail by themselves. */
function publishBatch(topic: Topic, { input }: SimCall): unknown {
  const entries: readonly Entry[] = Object(input["PublishBatchRequestEntries"] ?? []);
  const code = findBatchFault(entries);
  if (code !== undefined) throw new SimFault(code, 400, "The batch request cannot be served.");
  const [good, bad] = [entries.filter(({ Message }) => Message), entries.filter(({ Message }) => !Message)];
  return {
    Successful: good.map((entry) => ({ Id: entry.Id, MessageId: send(topic, entry) })),
    Failed: bad.map(({ Id }) => ({ Id, Code: "InvalidParameter", Message: "Empty message", SenderFault: true })),
  };
}

function findBatchFault(entries: readonly Entry[]): string | undefined {
  if (entries.length === 0) return "EmptyBatchRequestException";
  if (entries.length > MAX_ENTRIES) return "TooManyEntriesInBatchRequestException";
  if (new Set(entries.map(({ Id }) => Id)).size < entries.length) return "BatchEntryIdsNotDistinctException";
  if (entries.some(({ Id = "" }) => !/^[\w-]{1,80}$/.test(Id))) return "InvalidBatchEntryIdException";
  return entries.reduce((sum, entry) => sum + sizeOf(entry), 0) > MAX_BYTES
    ? "BatchRequestTooLongException"
    : undefined;
}

/** Follows the SNS guide, "Message attributes": name, type and value count. */
function sizeOf({ Message = "", MessageAttributes = {} }: Entry): number {
  const attributes = Object.entries(MessageAttributes);
  const parts = attributes.flatMap(([name, { DataType = "", StringValue = "" }]) => [name, DataType, StringValue]);
  return [Message, ...parts].reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}

function send({ messages, subscriptions }: Topic, { Message = "", MessageAttributes = {} }: Entry): string {
  const texts = Object.entries(MessageAttributes).map(([name, { StringValue = "" }]) => [name, StringValue] as const);
  const message = { messageId: randomUUID(), body: Message, attributes: Object.fromEntries(texts) };
  messages.push(message);
  for (const { filterPolicy = {}, deliver } of [...subscriptions]) {
    if (isLetThrough(message, filterPolicy)) deliver(message);
  }
  return message.messageId;
}

/**
 * Follows the SNS guide, "Filter policy scope, attributes": every name has to be there with one of its values; letters
 * count.
 */
function isLetThrough({ attributes }: SnsMessage, policy: Readonly<Record<string, readonly string[]>>): boolean {
  return Object.entries(policy).every(([name, values]) => {
    const value = attributes[name];
    return value !== undefined && values.includes(value);
  });
}
