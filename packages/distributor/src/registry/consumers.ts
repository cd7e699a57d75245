import type { ConsumerPlace } from "@stackyard/sdk/artifacts";
import { judgeTrust, type TrustConfig } from "../trust/judge-trust.ts";
import { changeRecord, type RecordDeps } from "./change-record.ts";
import {
  CONSUMERS_PREFIX,
  type ConsumerRecord,
  isRegistered,
  parseConsumerRecord,
  toConsumerKey,
} from "./consumer-record.ts";
import { listRecords } from "./list-records.ts";
import { type ConsumerEvent, registerConsumer } from "./register-consumer.ts";

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
