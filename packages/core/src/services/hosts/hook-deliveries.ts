import { isMap } from "../../machine/json.ts";
import { changeRecord } from "../../ports/change-record.ts";
import type { Clock } from "../../ports/clock.ts";
import { readRecords } from "../../ports/read-records.ts";
import type { Page, PageInput, Records, StoredRecord } from "../../ports/records.ts";

/** The outcome of a delivery. */
export interface HookOutcome {
  /**
   * - `events`: events were published.
   * - `nothing`: no event follows from it.
   * - `waits-for-trust`: the head of a fork is not trusted yet.
   * - `refused`: a person may not do this, or the command cannot be read.
   * - `ignored`: Stackyard does not handle it. `stale`: it is too old.
   */
  readonly kind: "events" | "nothing" | "waits-for-trust" | "refused" | "ignored" | "stale";
  readonly reason?: string;
  readonly events?: readonly HookEvent[];
}

/** An event that followed. */
export interface HookEvent {
  readonly id: string;
  readonly stackId: string;
  readonly event: string;
  readonly rule: string;
}

/** A stored delivery, for 14 days. */
export interface HookDelivery {
  /** Of the first delivery with this body. */
  readonly id: string;
  readonly host: string;
  readonly receivedAt: number;
  /** Such as `pull.opened`; for an ignored delivery the name of the event. */
  readonly what: string;
  /** Such as `acme/shop#7`. */
  readonly subject?: string;
  readonly sender?: string;
  /** Missing: it is in the queue. */
  readonly outcome?: HookOutcome;
}

/** Where deliveries are remembered. */
export interface HookDeliveries {
  /**
   * Remembers a delivery under a digest of what makes it unique. Returns the first one, which may be an earlier one.
   */
  add(digest: string, delivery: HookDelivery): Promise<{ readonly first: HookDelivery; readonly isNew: boolean }>;
  /** Stores what came of it. */
  settle(host: string, digest: string, outcome: HookOutcome): Promise<void>;
}

/** Deliveries are known for so long. */
const KEEP_MS = 14 * 86_400_000;

interface HookDeliveriesDeps {
  readonly records: Records;
  readonly clock: Pick<Clock, "now">;
}

/** Creates the memory of deliveries. */
export function createHookDeliveries(deps: HookDeliveriesDeps): HookDeliveries {
  const { records, clock } = deps;
  const toKey = (host: string, digest: string): string => `hooks/deliveries/${host}/${digest}`;
  return {
    async add(digest, delivery) {
      const now = clock.now();
      const key = toKey(delivery.host, digest);
      const put = await records.put({ key, value: delivery, expected: "absent", expiresAt: now + KEEP_MS, now });
      const isNew = put.kind === "written";
      const first = isNew ? delivery : (toDelivery(put.current?.value) ?? delivery);
      if (isNew || first.outcome === undefined) {
        // Lists begin with the newest.
        const place = `hooks/log/${String(9_999_999_999_999 - first.receivedAt)}-${digest.slice(0, 16)}`;
        await records.put({ key: place, value: { key }, expected: "absent", expiresAt: now + KEEP_MS, now });
      }
      return { first, isNew };
    },
    async settle(host, digest, outcome) {
      await changeRecord({
        ...deps,
        key: toKey(host, digest),
        conflict: `Too many concurrent writes to the delivery ${digest}. Try again.`,
        decide(found) {
          const delivery = toDelivery(found?.value);
          return delivery === undefined
            ? {}
            : { write: { value: { ...delivery, outcome }, expiresAt: found?.expiresAt } };
        },
      });
    },
  };
}

/** Lists deliveries, newest first. */
export async function listHookDeliveries(
  { records, clock }: HookDeliveriesDeps,
  page: PageInput,
): Promise<Page<HookDelivery>> {
  const now = clock.now();
  const { items, ...rest } = await records.list("hooks/log/", { ...page, now });
  const found = await Promise.all(items.map(async (entry) => findLogged(records, entry, now)));
  // One that has expired meanwhile is not in the list any more.
  return readRecords({ ...rest, items: found.filter((each) => each !== undefined) }, ({ value }) => toDelivery(value));
}

/** Returns the record of a delivery in the log; the entry itself if it names none. */
async function findLogged(records: Records, entry: StoredRecord, now: number): Promise<StoredRecord | undefined> {
  const key = isMap(entry.value) ? entry.value["key"] : undefined;
  return typeof key === "string" ? records.get(key, now) : entry;
}

function toDelivery(value: unknown): HookDelivery | undefined {
  return isDelivery(value) ? value : undefined;
}

/** Returns true for a delivery. Only deliveries are stored under these keys, so a shallow check is enough. */
function isDelivery(value: unknown): value is HookDelivery {
  return isMap(value) && typeof value["id"] === "string" && typeof value["receivedAt"] === "number";
}
