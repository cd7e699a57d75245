import type { ConsumerPlace, ConsumerView } from "@stackyard/sdk/artifacts";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { AccountId, changeRecord, Instant, listRecords, type RecordDeps, Region } from "./records.ts";
import { toSubscription } from "./versions.ts";

const moment = Type.Union([Instant, Type.Null()]);

/** What is known of a consumer, as a record under `consumer/<account>/<region>`. Instants are epoch milliseconds. */
export const ConsumerRecord = Type.Object(
  {
    v: Type.Literal(1),
    account: AccountId,
    region: Region,
    bucket: Type.Union([Type.String({ minLength: 1, maxLength: 255 }), Type.Null()]),
    generation: Type.Enum(["v1", "v2"]),
    capabilities: Type.Array(Type.String({ minLength: 1, maxLength: 128 }), { maxItems: 50 }),
    firstSeenAt: Instant,
    /** Since when it should have what is expected of it; later after it had left, moved to another bucket, wanted something else, or was not trusted. */
    joinedAt: Instant,
    registeredAt: moment,
    askedAt: moment,
    unregisteredAt: moment,
    lastReceiptAt: moment,
    probeAnsweredAt: moment,
    /** Since when its account is not trusted. */
    distrustedAt: Type.Optional(moment),
  },
  { additionalProperties: false },
);
export type ConsumerRecord = Static<typeof ConsumerRecord>;

const validator = Compile(ConsumerRecord);

/** All consumers lie under it. */
export const CONSUMERS_PREFIX = "consumer/";

/** Where a consumer's record lies. */
function toConsumerKey({ account, region }: ConsumerPlace): string {
  return `${CONSUMERS_PREFIX}${account}/${region}`;
}

/** Reads a record; undefined: it is none. */
export function parseConsumerRecord(value: unknown): ConsumerRecord | undefined {
  return validator.Check(value) ? value : undefined;
}

/** Artifacts are expected at it: it has not left, or has come again, be it in the same second. */
export function isRegistered({ unregisteredAt, registeredAt, askedAt }: ConsumerRecord): boolean {
  return unregisteredAt === null || Math.max(registeredAt ?? -1, askedAt ?? -1) >= unregisteredAt;
}

/** A consumer as programs and people see it. */
export function toConsumerView(consumer: ConsumerRecord): ConsumerView {
  const { account, region, bucket, generation, capabilities, firstSeenAt, lastReceiptAt } = consumer;
  return {
    account,
    region,
    bucket,
    generation,
    capabilities,
    firstSeenAt: new Date(firstSeenAt).toISOString(),
    lastReceiptAt: lastReceiptAt === null ? null : new Date(lastReceiptAt).toISOString(),
    registered: isRegistered(consumer),
  };
}

/** What tells of a consumer. `at`: epoch milliseconds. */
export type ConsumerEvent =
  | {
      readonly kind: "registered";
      readonly at: number;
      readonly bucket: string;
      readonly capabilities: readonly string[];
    }
  | { readonly kind: "unregistered"; readonly at: number }
  /** It has sent a receipt; `isProbe`: the answer to a probe; `saidAt`: by its own clock, where that is known. */
  | {
      readonly kind: "answered";
      readonly at: number;
      readonly saidAt?: number;
      readonly bucket: string;
      readonly isProbe: boolean;
    }
  /** Somebody wants its initial set. */
  | { readonly kind: "asked"; readonly at: number }
  /** Whether its account is on the list: what is published while it is not is expected nowhere there. */
  | { readonly kind: "trusted" | "distrusted"; readonly at: number };

/**
 * What is known of a consumer after an event. It is of the first generation until it registers itself or sends a receipt, which those of the
 * first cannot. Events may come late and twice: the latest instant of each kind counts. A late receipt does not bring back who has left.
 */
export function registerConsumer(
  known: ConsumerRecord | undefined,
  place: ConsumerPlace,
  event: ConsumerEvent,
): ConsumerRecord {
  const before = known ?? aNewcomer(place, event.at);
  const after = apply(before, event);
  if (known === undefined) return after;
  const hasComeBack = !isRegistered(before) && isRegistered(after);
  const hasMoved = before.bucket !== null && before.bucket !== after.bucket;
  const wantsOther = before.registeredAt !== null && toWishes(before) !== toWishes(after);
  const isTrustedAgain = event.kind === "trusted" && (before.distrustedAt ?? null) !== null;
  return hasComeBack || hasMoved || wantsOther || isTrustedAgain ? { ...after, joinedAt: event.at } : after;
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

function apply(consumer: ConsumerRecord, event: ConsumerEvent): ConsumerRecord {
  switch (event.kind) {
    case "asked":
      return { ...consumer, askedAt: latest(consumer.askedAt, event.at) };
    case "unregistered":
      return { ...consumer, unregisteredAt: latest(consumer.unregisteredAt, event.at) };
    case "distrusted":
      return { ...consumer, distrustedAt: consumer.distrustedAt ?? event.at };
    case "trusted":
      return { ...consumer, distrustedAt: null };
    case "registered":
      return register(consumer, event);
    case "answered":
      return hear(consumer, event);
  }
}

function register(consumer: ConsumerRecord, event: ConsumerEvent & { kind: "registered" }): ConsumerRecord {
  if ((consumer.registeredAt ?? -1) > event.at) return consumer;
  const { bucket, capabilities, at } = event;
  return { ...consumer, generation: "v2", bucket, capabilities: [...new Set(capabilities)].sort(), registeredAt: at };
}

function hear(consumer: ConsumerRecord, event: ConsumerEvent & { kind: "answered" }): ConsumerRecord {
  const { at, saidAt = at } = event;
  const isNews = at >= (consumer.lastReceiptAt ?? -1) && saidAt >= (consumer.registeredAt ?? -1);
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

/** A thousand receipts a minute need not be a thousand writes of who has sent them. */
const NEWS_AFTER_MS = 60_000;

/** Notes what an event tells of a consumer. Gives what is known of it now. */
export async function noteConsumer(
  deps: RecordDeps,
  place: ConsumerPlace,
  event: ConsumerEvent,
): Promise<ConsumerRecord | undefined> {
  return changeRecord(deps, {
    key: toConsumerKey(place),
    parse: parseConsumerRecord,
    change: (known) => (isOldNews(known, event) ? undefined : registerConsumer(known, place, event)),
  });
}

function isOldNews(known: ConsumerRecord | undefined, event: ConsumerEvent): boolean {
  if (known === undefined || event.kind !== "answered" || event.isProbe) return false;
  const isRecent = event.at - (known.lastReceiptAt ?? 0) < NEWS_AFTER_MS;
  return isRecent && known.generation === "v2" && known.bucket === event.bucket;
}

/** What is known of a consumer. */
export async function findConsumer(
  { records, clock }: RecordDeps,
  place: ConsumerPlace,
): Promise<ConsumerRecord | undefined> {
  return parseConsumerRecord((await records.get(toConsumerKey(place), clock.now()))?.value);
}

/** Consumers at which artifacts are expected: they have not left, and their accounts are trusted now. */
export async function listExpecting(deps: RecordDeps, trust: TrustConfig): Promise<readonly ConsumerRecord[]> {
  const consumers = await listRecords(deps, CONSUMERS_PREFIX, parseConsumerRecord);
  // An account that is not on the list was let in by the bus, or by the machine, before it was noted here.
  return consumers.filter(
    (each) => isRegistered(each) && judgeTrust(each.account, trust, "stamped").kind === "trusted",
  );
}

/** Notes who is not trusted any more, and who is again: that one has missed what was published meanwhile, and is as one that has just come. */
export async function noteTrust(deps: RecordDeps, trust: TrustConfig): Promise<void> {
  const at = deps.clock.now();
  for (const each of await listRecords(deps, CONSUMERS_PREFIX, parseConsumerRecord)) {
    const isTrusted = judgeTrust(each.account, trust, "stamped").kind === "trusted";
    const wasTrusted = (each.distrustedAt ?? null) === null;
    if (isTrusted !== wasTrusted) await noteConsumer(deps, each, { kind: isTrusted ? "trusted" : "distrusted", at });
  }
}

/** Who may have artifacts. */
export interface TrustConfig {
  /** Ids of accounts. */
  readonly accounts: readonly string[];
  /** Its members are trusted where AWS itself vouches for the account. */
  readonly organizationId?: string;
}

/** How the account is known. */
export type AccountSource =
  /** Stamped by EventBridge on an event that the bus's policy, which asks for the organisation or the accounts, has let in. */
  | "stamped"
  /** Somebody has written it into an input. */
  | "claimed";

/** A judgement. */
export type TrustVerdict =
  | { readonly kind: "trusted" }
  | { readonly kind: "rejected"; readonly code: "ACCOUNT_NOT_TRUSTED"; readonly reason: string };

const ACCOUNT = /^\d{12}$/;

/**
 * May this account have artifacts? One that only somebody claims must be on the list: an organisation's id says nothing of it. Nothing
 * listed and no organisation: nobody is trusted.
 */
export function judgeTrust(account: string, config: TrustConfig, source: AccountSource): TrustVerdict {
  const isMember = source === "stamped" && config.organizationId !== undefined;
  if (ACCOUNT.test(account) && (isMember || config.accounts.includes(account))) return { kind: "trusted" };
  const shown = ACCOUNT.test(account) ? `The account ${account}` : "What should be an account";
  return { kind: "rejected", code: "ACCOUNT_NOT_TRUSTED", reason: `${shown} is not trusted by this distributor.` };
}
