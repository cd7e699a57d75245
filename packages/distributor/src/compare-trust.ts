import { ListSubscriptionsByTopicCommand, type Subscription, UnsubscribeCommand } from "@aws-sdk/client-sns";
import { findAwsFault, lookUntilComplete, toArnPart, toAwsError } from "@stackyard/aws";
import type { Clock } from "@stackyard/core";
import type { ConsumerPlace } from "@stackyard/sdk/artifacts";
import { Type } from "typebox";
import { CONSUMERS_PREFIX, noteConsumer, parseConsumerRecord } from "./consumers.ts";
import type { DistributorContext } from "./context.ts";
import { listRecords } from "./list-records.ts";
import { toTrustLine } from "./metrics.ts";
import { changeParsed, createParser, eachApart, strictObject } from "./records.ts";

/** The organization says that an account is out: the distributor asks it again before it ends a subscription. */
const ASK_AGAIN_MS = 4 * 60_000;

/**
 * Compares whom the distributor trusts now with whom it has admitted. Nothing more is expected at a consumer whose account is not
 * trusted, and its subscriptions to the topic are ended: the policy of the topic governs only new ones. Where the organization
 * cannot be asked, its members stay trusted. Throws when the subscriptions cannot be listed, or one of them not be ended.
 */
export async function compareTrust(context: DistributorContext): Promise<void> {
  const judged = new Map<string, Promise<Judgement>>();
  const judge: Judge = (account) => {
    const judgement = judged.get(account) ?? evaluateAccount(account, context);
    judged.set(account, judgement);
    return judgement;
  };
  await compareConsumers(context, judge);
  await compareSubscriptions(context, judge);
}

async function compareConsumers(context: DistributorContext, judge: Judge): Promise<void> {
  const at = context.clock.now();
  for (const consumer of await listRecords(context, CONSUMERS_PREFIX, parseConsumerRecord)) {
    const judgement = await judge(consumer.account);
    const isTrusted = (consumer.distrustedAt ?? null) === null;
    if (judgement === "unknown" || (judgement === "trusted") === isTrusted) continue;
    await noteConsumer(context, consumer, { kind: isTrusted ? "distrusted" : "trusted", at });
    const { account, region } = consumer;
    if (isTrusted) context.logger.error("The account of a consumer is not trusted any more.", { account, region });
  }
}

async function compareSubscriptions(context: DistributorContext, judge: Judge): Promise<void> {
  const [out, unchecked]: [Subscription[], Subscription[]] = [[], []];
  const found = await listWholly(context);
  for (const each of found) {
    const judgement = await judge(each.Owner ?? "");
    if (judgement === "out") out.push(each);
    if (judgement === "unknown") unchecked.push(each);
  }
  context.write(toTrustLine({ untrusted: out.length, unchecked: unchecked.length }, context.clock.now()));
  let left = found.length;
  try {
    await eachApart(out, async (each) => {
      if (await endSubscription(context, each)) left -= 1;
    });
  } finally {
    await noteListed(context, left);
  }
}

const Listed = strictObject({ subscriptions: Type.Integer({ minimum: 0 }) });
const LISTED_KEY = "trust/subscriptions";
const parseListed = createParser(Listed);

/**
 * Lists the subscriptions of other accounts. A list that is shorter than the one before may lack one that
 * continues: it is read again, for at most a minute, before anything is announced by it.
 */
async function listWholly(context: DistributorContext): Promise<readonly Subscription[]> {
  const { records, clock } = context;
  const before = parseListed((await records.get(LISTED_KEY, clock.now()))?.value)?.subscriptions ?? 0;
  const { signal } = new AbortController();
  return lookUntilComplete(
    { clock, signal },
    () => listSubscriptions(context),
    ({ length }) => length >= before,
  );
}

async function noteListed(context: DistributorContext, subscriptions: number): Promise<void> {
  await changeParsed(context, { key: LISTED_KEY, parse: parseListed, change: () => ({ subscriptions }) });
}

type Judge = (account: string) => Promise<Judgement>;

/** `unknown`: the organization cannot be asked. */
type Judgement = "trusted" | "out" | "unknown";

async function evaluateAccount(
  account: string,
  { trust, organization }: Pick<DistributorContext, "trust" | "organization">,
): Promise<Judgement> {
  if (trust.accounts.includes(account)) return "trusted";
  if (trust.organizationId === undefined) return "out";
  const membership = (await organization?.find(account)) ?? "unknown";
  return membership === "member" ? "trusted" : membership;
}

/** Lists the confirmed subscriptions of other accounts. Those of the topic's own account need no trust. */
async function listSubscriptions({ sns, config }: DistributorContext): Promise<readonly Subscription[]> {
  const found: Subscription[] = [];
  let NextToken: string | undefined;
  do {
    const command = new ListSubscriptionsByTopicCommand({ TopicArn: config.topicArn, NextToken });
    const page = await sns.send(command).catch((error: unknown) => {
      throw toAwsError(
        error,
        "The subscriptions of the topic cannot be listed.",
        "Allow sns:ListSubscriptionsByTopic.",
      );
    });
    found.push(...(page.Subscriptions ?? []));
    // Emulators return an empty one.
    NextToken = page.NextToken || undefined;
  } while (NextToken !== undefined);
  const own = toArnPart(config.topicArn, 4);
  return found.filter(({ Owner, SubscriptionArn = "" }) => Owner !== own && SubscriptionArn.startsWith("arn:"));
}

/** Ends a subscription. Returns false when the organization is read again first. */
async function endSubscription(context: DistributorContext, subscription: Subscription): Promise<boolean> {
  const { clock, sns, logger, trust } = context;
  const { SubscriptionArn, Endpoint } = subscription;
  const place = toPlace(subscription, context.config.region);
  const consumer = await noteConsumer(context, place, { kind: "distrusted", at: clock.now() });
  const isFresh = clock.now() - (consumer?.distrustedAt ?? clock.now()) < ASK_AGAIN_MS;
  if (trust.organizationId !== undefined && isFresh) return false;
  try {
    await sns.send(new UnsubscribeCommand({ SubscriptionArn }));
  } catch (error) {
    if (findAwsFault(error).name?.startsWith("NotFound") === true) return true;
    throw toAwsError(error, `The subscription ${SubscriptionArn} cannot be ended.`, "Allow sns:Unsubscribe.");
  }
  logger.error("Ended a subscription of an account that is not trusted.", { ...place, endpoint: Endpoint });
  return true;
}

/** Returns where a subscription delivers to: the ARN of a queue names its region. */
function toPlace({ Owner = "", Endpoint = "" }: Subscription, home: string): ConsumerPlace {
  return { account: Owner, region: (Endpoint.startsWith("arn:") && toArnPart(Endpoint, 3)) || home };
}

const CHECK_MS = 60_000;

/** Creates a check that runs at most once a minute, for all that wait for it, and again after a failure. */
export function createTrustCheck({ now }: Pick<Clock, "now">, check: () => Promise<void>): () => Promise<void> {
  let last: { readonly at: number; readonly done: Promise<void> } | undefined;
  return () => {
    if (last !== undefined && now() - last.at < CHECK_MS) return last.done;
    const done = check();
    last = { at: now(), done };
    done.catch(() => {
      last = undefined;
    });
    return done;
  };
}
