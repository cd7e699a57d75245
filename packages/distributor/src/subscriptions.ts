import { ListSubscriptionsByTopicCommand, type Subscription, UnsubscribeCommand } from "@aws-sdk/client-sns";
import { callAws, lookUntilComplete, toArnPart } from "@stackyard/aws";
import { listPages } from "@stackyard/core";
import { defineRecordKind } from "@stackyard/core/services";
import type { ConsumerPlace } from "@stackyard/sdk/artifacts";
import { Type } from "typebox";
import { toPlaceKey } from "./cell.ts";
import { type ConsumerRecord, isRegistered, isUnsubscribed, knownConsumers, noteConsumer } from "./consumers.ts";
import type { DistributorContext } from "./context.ts";
import { toTrustLine } from "./metrics.ts";
import { eachApart } from "./records.ts";

/** The organization says that an account is out: the distributor asks it again before it ends a subscription. */
const ASK_AGAIN_MS = 4 * 60_000;
/** Many subscriptions are without trust at once, or a consumer has none: one wrong setting or answer must not decide. */
const LOOK_AGAIN_MS = 10 * 60_000;
/** A list of trusted accounts that lacks more than this share of the subscriptions may be wrong. */
const MANY = 1 / 10;

/** Tells whether an account is trusted. */
export type Judge = (account: string) => Promise<Judgement>;

/** `unknown`: the organization cannot be asked. */
export type Judgement = "trusted" | "out" | "unknown";

/** What a look at the subscriptions has found. */
export interface SubscriptionsLook {
  /** When those without trust are ended that wait for another look, in epoch milliseconds. Null: none waits. */
  readonly waitingUntil: number | null;
}

/** A subscription whose account is not trusted. */
interface Outsider {
  readonly subscription: Subscription;
  readonly place: ConsumerPlace;
  /** Since when, in epoch milliseconds. */
  readonly since: number;
}

/**
 * Compares the subscriptions of the topic with the trusted accounts and with the registered consumers. Ends those of other accounts
 * that are not trusted, and notes the consumers that have none.
 */
export async function compareSubscriptions(context: DistributorContext, judge: Judge): Promise<SubscriptionsLook> {
  const { clock, config } = context;
  const all = await listWholly(context);
  const own = toArnPart(config.topicArn, 4);
  const others = all.filter(({ Owner }) => Owner !== own);
  const [out, unchecked]: [Subscription[], Subscription[]] = [[], []];
  for (const each of others) {
    // An answer that does not name the owner says nothing about trust.
    const judgement = each.Owner ? await judge(each.Owner) : "unknown";
    if (judgement === "out") out.push(each);
    if (judgement === "unknown") unchecked.push(each);
  }
  const { unsubscribed, unfiltered } = await compareRegistrations(context, all);
  const counts = {
    untrusted: out.length,
    unchecked: unchecked.length,
    unsubscribed,
    filtered: Math.max(0, all.length - unfiltered),
  };
  context.write(toTrustLine(counts, clock.now()));
  const isMany = out.length > others.length * MANY;
  const found = await noteOutsiders(context, out, isMany ? others.length : undefined);
  const waitMs = toWait(context, isMany);
  const due = found.filter(({ since }) => clock.now() - since >= waitMs);
  let left = all.length;
  try {
    await eachApart(due, async (each) => {
      await endSubscription(context, each);
      left -= 1;
    });
  } finally {
    await noteListed(context, left);
  }
  const waiting = isMany ? found.filter((each) => !due.includes(each)) : [];
  return { waitingUntil: waiting.length === 0 ? null : Math.max(...waiting.map(({ since }) => since)) + waitMs };
}

/** Returns how long a subscription must be without trust before it is ended. */
function toWait({ trust }: DistributorContext, isMany: boolean): number {
  if (isMany) return LOOK_AGAIN_MS;
  return trust.organizationId === undefined ? 0 : ASK_AGAIN_MS;
}

/** Notes since when each is without trust. `many`: of so many subscriptions, which is said once. */
async function noteOutsiders(
  context: DistributorContext,
  out: readonly Subscription[],
  many: number | undefined,
): Promise<readonly Outsider[]> {
  const now = context.clock.now();
  const found: Outsider[] = [];
  for (const subscription of out) {
    const place = toPlace(subscription, context.config.region);
    const consumer = await noteConsumer(context, place, { kind: "distrusted", at: now });
    found.push({ subscription, place, since: consumer?.distrustedAt ?? now });
  }
  if (many !== undefined && found.some(({ since }) => since === now)) {
    const fields = { untrusted: out.length, subscriptions: many, accounts: found.map(({ place }) => place.account) };
    const endAt = new Date(now + LOOK_AGAIN_MS).toISOString();
    context.logger.error(
      `Many subscriptions are of accounts that are not trusted: they are ended after ${endAt}.`,
      fields,
    );
  }
  return found;
}

/** A consumer says so of itself: SNS lists subscriptions without their attributes. */
const UNFILTERED = "unfiltered";

/**
 * Notes which consumers have a subscription. Returns the number of those that have had none for ten minutes, and of those whose
 * subscription has no filter policy.
 */
async function compareRegistrations(context: DistributorContext, all: readonly Subscription[]) {
  const now = context.clock.now();
  const subscribed = new Set(all.flatMap((each) => toPlaces(each, context.config.region)).map(toPlaceKey));
  const known = (await knownConsumers.listReadable(context)).filter(needsSubscription);
  for (const consumer of known) await noteSubscribed(context, consumer, subscribed.has(toPlaceKey(consumer)));
  const without = known.filter((consumer) => !subscribed.has(toPlaceKey(consumer)));
  const unsubscribed = without.filter(({ unsubscribedAt }) => now - (unsubscribedAt ?? now) >= LOOK_AGAIN_MS).length;
  const unfiltered = known.filter(
    (consumer) => subscribed.has(toPlaceKey(consumer)) && consumer.capabilities.includes(UNFILTERED),
  ).length;
  return { unsubscribed, unfiltered };
}

async function noteSubscribed(
  context: DistributorContext,
  consumer: ConsumerRecord,
  isSubscribed: boolean,
): Promise<void> {
  if (isSubscribed !== isUnsubscribed(consumer)) return;
  const kind = isSubscribed ? "subscribed" : "unsubscribed";
  await noteConsumer(context, consumer, { kind, at: context.clock.now() });
  const { account, region } = consumer;
  if (!isSubscribed) context.logger.error("A registered consumer has no subscription.", { account, region });
}

/** Only a consumer that has sent something itself is one: a subscription without trust has a record, too. */
function needsSubscription(consumer: ConsumerRecord): boolean {
  const { registeredAt, askedAt, lastReceiptAt, distrustedAt = null } = consumer;
  const isHeard = registeredAt !== null || askedAt !== null || lastReceiptAt !== null;
  return isHeard && isRegistered(consumer) && distrustedAt === null;
}

const looks = defineRecordKind({
  prefix: "trust/",
  value: Type.Object({ subscriptions: Type.Integer({ minimum: 0 }) }, { additionalProperties: false }),
  holds: "the number of subscriptions at the last look",
  kept: "as long as the distributor",
  damaged: "missing",
});
const SUBSCRIPTIONS = "subscriptions";

/**
 * Lists the subscriptions. A list that is shorter than the one before may lack one that
 * continues: it is read again, for at most a minute, before anything is announced by it.
 */
async function listWholly(context: DistributorContext): Promise<readonly Subscription[]> {
  const { clock } = context;
  const before = (await looks.find(context, SUBSCRIPTIONS))?.subscriptions ?? 0;
  const { signal } = new AbortController();
  return lookUntilComplete(
    { clock, signal },
    () => listSubscriptions(context),
    ({ length }) => length >= before,
  );
}

async function noteListed(context: DistributorContext, subscriptions: number): Promise<void> {
  await looks.change(context, SUBSCRIPTIONS, () => ({ write: { value: { subscriptions } } }));
}

/** Lists the confirmed subscriptions. */
async function listSubscriptions({ sns, config }: DistributorContext): Promise<readonly Subscription[]> {
  const what = "The subscriptions of the topic cannot be listed.";
  const advice = "Allow sns:ListSubscriptionsByTopic.";
  const pages = listPages(async ({ cursor: NextToken }) => {
    const command = new ListSubscriptionsByTopicCommand({ TopicArn: config.topicArn, NextToken });
    const page = await callAws(() => sns.send(command), { what, advice });
    // Emulators return an empty one.
    return { ...page, cursor: page.NextToken || undefined };
  });
  const found: Subscription[] = [];
  for await (const { Subscriptions = [] } of pages) found.push(...Subscriptions);
  return found.filter(({ SubscriptionArn = "" }) => SubscriptionArn.startsWith("arn:"));
}

async function endSubscription(context: DistributorContext, { subscription, place }: Outsider): Promise<void> {
  const { SubscriptionArn, Endpoint } = subscription;
  const policy = {
    what: `The subscription ${SubscriptionArn} cannot be ended.`,
    advice: "Allow sns:Unsubscribe.",
    instead: { gone: undefined },
  };
  const ended = await callAws(() => context.sns.send(new UnsubscribeCommand({ SubscriptionArn })), policy);
  if (ended === undefined) return;
  const what = "Ended a subscription of an account that is not trusted.";
  context.logger.error(what, { ...place, endpoint: Endpoint });
}

/** Returns where a subscription delivers to: the ARN of a queue names its region. */
function toPlace({ Owner = "", Endpoint = "" }: Subscription, home: string): ConsumerPlace {
  return { account: Owner, region: (Endpoint.startsWith("arn:") && toArnPart(Endpoint, 3)) || home };
}

/** Returns the consumers that a subscription may serve: that of its owner, and that of its queue, which another may have subscribed. */
function toPlaces(subscription: Subscription, home: string): readonly ConsumerPlace[] {
  const { Endpoint = "" } = subscription;
  const place = toPlace(subscription, home);
  return Endpoint.startsWith("arn:") ? [place, { ...place, account: toArnPart(Endpoint, 4) }] : [place];
}
