import { defineRecordKind } from "@stackyard/core/services";
import type { ConsumerPlace, ConsumerView } from "@stackyard/sdk/artifacts";
import { type Static, Type } from "typebox";
import { toPlaceKey } from "./cell.ts";
import { AccountId, CONTENDED, changeValue, Instant, Moment, type RecordDeps, Region } from "./records.ts";
import { evaluateAdmitted, type TrustConfig } from "./trust.ts";
import { toSubscription } from "./versions.ts";

/** The record of a consumer. Instants are epoch milliseconds. */
export const ConsumerRecord = Type.Object(
  {
    v: Type.Literal(1),
    account: AccountId,
    region: Region,
    bucket: Type.Union([Type.String({ minLength: 1, maxLength: 255 }), Type.Null()]),
    generation: Type.Enum(["v1", "v2"]),
    capabilities: Type.Array(Type.String({ minLength: 1, maxLength: 128 }), { maxItems: 50 }),
    firstSeenAt: Instant,
    /** Since when artifacts are expected at the consumer. Renewed when it returns, changes its bucket or subscription, or is trusted or subscribed again. */
    joinedAt: Instant,
    registeredAt: Moment,
    askedAt: Moment,
    unregisteredAt: Moment,
    lastReceiptAt: Moment,
    probeAnsweredAt: Moment,
    /** Since when its account is not trusted. */
    distrustedAt: Type.Optional(Moment),
    /** Since when the topic lists no subscription of it. */
    unsubscribedAt: Type.Optional(Moment),
  },
  { additionalProperties: false },
);
export type ConsumerRecord = Static<typeof ConsumerRecord>;

/** Consumers, by account and region. */
export const knownConsumers = defineRecordKind({
  ...CONTENDED,
  prefix: "consumer/",
  value: ConsumerRecord,
  holds: "consumers of artifacts",
  kept: "as long as the distributor",
});

/** Returns true when the consumer has not unregistered, or has returned since, even in the same second. */
export function isRegistered({ unregisteredAt, registeredAt, askedAt }: ConsumerRecord): boolean {
  return unregisteredAt === null || Math.max(registeredAt ?? -1, askedAt ?? -1) >= unregisteredAt;
}

/** Converts a consumer for API and command output. */
export function toConsumerView(consumer: ConsumerRecord): ConsumerView {
  const {
    account,
    region,
    bucket,
    generation,
    capabilities,
    firstSeenAt,
    lastReceiptAt,
    distrustedAt = null,
    unsubscribedAt = null,
  } = consumer;
  return {
    account,
    region,
    bucket,
    generation,
    capabilities,
    firstSeenAt: new Date(firstSeenAt).toISOString(),
    lastReceiptAt: lastReceiptAt === null ? null : new Date(lastReceiptAt).toISOString(),
    registered: isRegistered(consumer),
    distrustedAt: distrustedAt === null ? null : new Date(distrustedAt).toISOString(),
    unsubscribedAt: unsubscribedAt === null ? null : new Date(unsubscribedAt).toISOString(),
  };
}

/** An event of a consumer. `at`: when the consumer sent it, in epoch milliseconds: the same for each repeat. */
export type ConsumerEvent =
  | {
      readonly kind: "registered";
      readonly at: number;
      readonly bucket: string;
      readonly capabilities: readonly string[];
    }
  | { readonly kind: "unregistered"; readonly at: number }
  /** The consumer sent a receipt. `isProbe`: for a probe. */
  | {
      readonly kind: "answered";
      readonly at: number;
      readonly bucket: string;
      readonly isProbe: boolean;
    }
  /** Its initial set was requested. */
  | { readonly kind: "asked"; readonly at: number }
  /** Its account was added to or removed from the trusted ones. While it is not trusted, nothing is expected at it. */
  | { readonly kind: "trusted" | "distrusted"; readonly at: number }
  /** The topic lists a subscription of it, or none. Without one it receives nothing. */
  | { readonly kind: "subscribed" | "unsubscribed"; readonly at: number };

/**
 * Applies an event to a consumer record. A consumer is of generation v1 until it registers or sends a receipt, which v1 consumers
 * cannot do. Events can be late or repeated: the latest instant of each kind counts. A late receipt does not register a
 * consumer again.
 */
export function registerConsumer(
  known: ConsumerRecord | undefined,
  place: ConsumerPlace,
  event: ConsumerEvent,
): ConsumerRecord {
  const before = known ?? aNewcomer(place, event.at);
  const after = confirm(apply(before, event), event);
  if (known === undefined) return after;
  const hasComeBack = !isRegistered(before) && isRegistered(after);
  const hasMoved = before.bucket !== null && before.bucket !== after.bucket;
  const wantsOther = before.registeredAt !== null && toWishes(before) !== toWishes(after);
  const isTrustedAgain = isDistrusted(before) && !isDistrusted(after);
  const isSubscribedAgain = isUnsubscribed(before) && !isUnsubscribed(after);
  return hasComeBack || hasMoved || wantsOther || isTrustedAgain || isSubscribedAgain
    ? { ...after, joinedAt: event.at }
    : after;
}

function isDistrusted({ distrustedAt = null }: ConsumerRecord): boolean {
  return distrustedAt !== null;
}

/** Returns true while nothing that is sent to the topic reaches the consumer. */
export function isUnsubscribed({ unsubscribedAt = null }: ConsumerRecord): boolean {
  return unsubscribedAt !== null;
}

function toWishes({ capabilities }: ConsumerRecord): string {
  return JSON.stringify(toSubscription(capabilities));
}

function aNewcomer({ account, region }: ConsumerPlace, at: number): ConsumerRecord {
  return {
    v: 1,
    account,
    region,
    bucket: null,
    generation: "v1",
    capabilities: [],
    firstSeenAt: at,
    joinedAt: at,
    registeredAt: null,
    askedAt: null,
    unregisteredAt: null,
    lastReceiptAt: null,
    probeAnsweredAt: null,
  };
}

function isConfirmedSince({ registeredAt, lastReceiptAt }: ConsumerRecord, at: number): boolean {
  return Math.max(registeredAt ?? -1, lastReceiptAt ?? -1) > at;
}

/** The bus admits only trusted accounts: what its consumer sends later confirms an account again. */
function confirm(consumer: ConsumerRecord, { kind, at }: ConsumerEvent): ConsumerRecord {
  const { distrustedAt = null } = consumer;
  const isSent = kind === "registered" || kind === "answered";
  return isSent && distrustedAt !== null && at > distrustedAt ? { ...consumer, distrustedAt: null } : consumer;
}

function apply(consumer: ConsumerRecord, event: ConsumerEvent): ConsumerRecord {
  switch (event.kind) {
    case "asked":
      return { ...consumer, askedAt: latest(consumer.askedAt, event.at) };
    case "unregistered":
      return { ...consumer, unregisteredAt: latest(consumer.unregisteredAt, event.at) };
    case "distrusted":
      return isConfirmedSince(consumer, event.at)
        ? consumer
        : { ...consumer, distrustedAt: consumer.distrustedAt ?? event.at };
    case "trusted":
      return event.at < (consumer.distrustedAt ?? 0) ? consumer : { ...consumer, distrustedAt: null };
    case "unsubscribed":
      return { ...consumer, unsubscribedAt: consumer.unsubscribedAt ?? event.at };
    case "subscribed":
      return event.at < (consumer.unsubscribedAt ?? 0) ? consumer : { ...consumer, unsubscribedAt: null };
    case "registered":
      return register(consumer, event);
    case "answered":
      return hear(consumer, event);
  }
}

function register(consumer: ConsumerRecord, event: ConsumerEvent & { kind: "registered" }): ConsumerRecord {
  if ((consumer.registeredAt ?? -1) > event.at) return consumer;
  const { capabilities, at } = event;
  const bucket = (consumer.lastReceiptAt ?? -1) > at ? consumer.bucket : event.bucket;
  return { ...consumer, generation: "v2", bucket, capabilities: [...new Set(capabilities)].sort(), registeredAt: at };
}

function hear(consumer: ConsumerRecord, event: ConsumerEvent & { kind: "answered" }): ConsumerRecord {
  const isNews = event.at >= Math.max(consumer.lastReceiptAt ?? -1, consumer.registeredAt ?? -1);
  return {
    ...consumer,
    generation: "v2" as const,
    bucket: isNews ? event.bucket : consumer.bucket,
    lastReceiptAt: latest(consumer.lastReceiptAt, event.at),
    probeAnsweredAt: event.isProbe ? latest(consumer.probeAnsweredAt, event.at) : consumer.probeAnsweredAt,
  };
}

function latest(known: number | null, at: number): number {
  return Math.max(known ?? at, at);
}

/** Receipts update the consumer record at most once a minute. */
const NEWS_AFTER_MS = 60_000;

/** Records an event of a consumer. Returns the current record. */
export async function noteConsumer(
  deps: RecordDeps,
  place: ConsumerPlace,
  event: ConsumerEvent,
): Promise<ConsumerRecord | undefined> {
  return changeValue(deps, { kind: knownConsumers, name: toPlaceKey(place) }, (known) =>
    isOldNews(known, event) ? undefined : registerConsumer(known, place, event),
  );
}

function isOldNews(known: ConsumerRecord | undefined, event: ConsumerEvent): boolean {
  if (known === undefined || event.kind !== "answered" || event.isProbe) return false;
  const isRecent = event.at - (known.lastReceiptAt ?? 0) < NEWS_AFTER_MS;
  return isRecent && known.generation === "v2" && known.bucket === event.bucket;
}

/** Lists the consumers at which artifacts are expected, to send to them: registered ones with trusted accounts. */
export async function listExpecting(deps: RecordDeps, trust: TrustConfig): Promise<readonly ConsumerRecord[]> {
  return keepExpecting(await knownConsumers.listReadable(deps), trust);
}

/**
 * Lists the consumers at which artifacts are expected, to decide whether a version is covered. Throws `STORE_CORRUPT`: a
 * version is not covered where a consumer may be missing from the list.
 */
export async function requireExpecting(deps: RecordDeps, trust: TrustConfig): Promise<readonly ConsumerRecord[]> {
  const all: ConsumerRecord[] = [];
  for await (const each of knownConsumers.all(deps)) all.push(each);
  return keepExpecting(all, trust);
}

function keepExpecting(all: readonly ConsumerRecord[], trust: TrustConfig): readonly ConsumerRecord[] {
  return all.filter((each) => isRegistered(each) && evaluateAdmitted(each, trust).kind === "trusted");
}
