import type { ConsumerPlace } from "@stackyard/sdk/artifacts";
import { toSubscription } from "../cells/expected-set.ts";
import { type ConsumerRecord, isRegistered } from "./consumer-record.ts";

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
