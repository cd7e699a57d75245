import type { Clock } from "@stackyard/core";
import { StackyardError } from "@stackyard/core";
import { knownConsumers, noteConsumer } from "./consumers.ts";
import type { DistributorContext } from "./context.ts";
import { compareSubscriptions, type Judge, type Judgement, type SubscriptionsLook } from "./subscriptions.ts";

/**
 * Compares whom the distributor trusts now with whom it has admitted. Nothing more is expected at a consumer whose account is not
 * trusted, and its subscriptions to the topic are ended: the policy of the topic governs only new ones. Where the organization
 * cannot be asked, its members stay trusted. Notes which consumers have no subscription. Throws when the subscriptions cannot be
 * listed, or one of them not be ended.
 */
export async function compareTrust(context: DistributorContext): Promise<SubscriptionsLook> {
  const judged = new Map<string, Promise<Judgement>>();
  const judge: Judge = (account) => {
    const judgement = judged.get(account) ?? evaluateAccount(account, context);
    judged.set(account, judgement);
    return judgement;
  };
  await compareConsumers(context, judge);
  return compareSubscriptions(context, judge);
}

/**
 * Compares before an announcement, which all subscriptions receive. Throws `TRUST_UNSETTLED` while subscriptions without trust wait
 * for the look that ends them.
 */
export async function requireTrust(context: DistributorContext): Promise<void> {
  const { waitingUntil } = await compareTrust(context);
  if (waitingUntil === null) return;
  const until = new Date(waitingUntil).toISOString();
  throw new StackyardError(
    "TRUST_UNSETTLED",
    `More than one in ten subscriptions belong to accounts that are not trusted: nothing is announced before ${until}, when they are ended. Correct TrustedAccounts or OrganizationId if that is wrong.`,
  );
}

async function compareConsumers(context: DistributorContext, judge: Judge): Promise<void> {
  const at = context.clock.now();
  for (const consumer of await knownConsumers.listReadable(context)) {
    const judgement = await judge(consumer.account);
    const isTrusted = (consumer.distrustedAt ?? null) === null;
    if (judgement === "unknown" || (judgement === "trusted") === isTrusted) continue;
    await noteConsumer(context, consumer, { kind: isTrusted ? "distrusted" : "trusted", at });
    const { account, region } = consumer;
    if (isTrusted) context.logger.error("The account of a consumer is not trusted any more.", { account, region });
  }
}

async function evaluateAccount(
  account: string,
  { trust, organization }: Pick<DistributorContext, "trust" | "organization">,
): Promise<Judgement> {
  if (trust.accounts.includes(account)) return "trusted";
  if (trust.organizationId === undefined) return "out";
  const membership = (await organization?.find(account)) ?? "unknown";
  return membership === "member" ? "trusted" : membership;
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
