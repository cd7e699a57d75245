import type { ConsumerPlace, ConsumerView } from "@stackyard/sdk/artifacts";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { AccountId, Instant, Region } from "./place.ts";

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
export function toConsumerKey({ account, region }: ConsumerPlace): string {
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
