import { createHash } from "node:crypto";
import { type Clock, defined, isMap, type Records, StackyardError } from "@stackyard/core";
import type { Hook } from "./hook.ts";

/** What came of a delivery. */
export interface DeliveryOutcome {
  /**
   * - `events`: events were published.
   * - `nothing`: no event follows from it.
   * - `waits-for-trust`: the head of a fork is not trusted yet.
   * - `refused`: a person may not do this, or the command cannot be read.
   * - `ignored`: Stackyard does not handle it. `stale`: it is too old.
   */
  readonly kind: "events" | "nothing" | "waits-for-trust" | "refused" | "ignored" | "stale";
  readonly reason?: string;
  readonly events?: readonly PublishedEvent[];
}

/** An event that followed. */
export interface PublishedEvent {
  readonly id: string;
  readonly stackId: string;
  readonly event: string;
  readonly rule: string;
}

/** A delivery as it is remembered, for 14 days. */
export interface Delivery {
  /** Of the first delivery with this body. */
  readonly id: string;
  readonly host: string;
  readonly receivedAt: number;
  /** Such as `pull.opened`; of what is ignored the name of the event. */
  readonly what: string;
  /** Such as `acme/shop#7`. */
  readonly subject?: string;
  readonly sender?: string;
  /** Missing: it is in the queue. */
  readonly outcome?: DeliveryOutcome;
}

/** Where deliveries are remembered. */
export interface Deliveries {
  /** Remembers a delivery under a digest of what makes it unique. Returns the first one, which may be an earlier one. */
  add(digest: string, delivery: Delivery): Promise<{ readonly first: Delivery; readonly isNew: boolean }>;
  /** Stores what came of it. */
  settle(host: string, digest: string, outcome: DeliveryOutcome): Promise<void>;
}

/** Deliveries are known for so long. */
const KEEP_MS = 14 * 86_400_000;
const MAX_TRIES = 20;

/** Creates the memory of deliveries. */
export function createDeliveries({
  records,
  clock,
}: {
  readonly records: Records;
  readonly clock: Pick<Clock, "now">;
}): Deliveries {
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
      const key = toKey(host, digest);
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        const now = clock.now();
        const found = await records.get(key, now);
        const delivery = toDelivery(found?.value);
        if (found === undefined || delivery === undefined) return;
        const value: Delivery = { ...delivery, outcome };
        const expires = defined({ expiresAt: found.expiresAt });
        const put = await records.put({ key, value, expected: found.version, now, ...expires });
        if (put.kind === "written") return;
      }
      throw new StackyardError("RECORD_CONFLICT", `The delivery ${digest} changes all the time.`);
    },
  };
}

/** Lists deliveries, newest first. */
export async function listDeliveries(
  { records, clock }: { readonly records: Records; readonly clock: Pick<Clock, "now"> },
  limit: number,
): Promise<readonly Delivery[]> {
  const now = clock.now();
  const { items } = await records.list("hooks/log/", { limit, now });
  const found = await Promise.all(
    items.map(async ({ value }) => {
      const key = isMap(value) ? value["key"] : undefined;
      return typeof key === "string" ? toDelivery((await records.get(key, now))?.value) : undefined;
    }),
  );
  return found.filter((delivery) => delivery !== undefined);
}

function toDelivery(value: unknown): Delivery | undefined {
  return isDelivery(value) ? value : undefined;
}

/** Nothing else is stored under these keys, so a look is enough. */
function isDelivery(value: unknown): value is Delivery {
  return isMap(value) && typeof value["id"] === "string" && typeof value["receivedAt"] === "number";
}

/** Returns the digest of a JSON value, whatever the order of its keys and its white space. */
export function digestOf(value: unknown): string {
  return createHash("sha256").update(toCanonicalText(value)).digest("hex");
}

function toCanonicalText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toCanonicalText).join(",")}]`;
  if (!isMap(value)) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${toCanonicalText(each)}`).join(",")}}`;
}

/** What a delivery is about, for people. */
export function describeHook({ kind, action, repository, pull }: Hook, pullNumber = pull?.number) {
  const number = pullNumber === undefined ? "" : `#${pullNumber}`;
  const subject = repository && `${repository.fullName}${number}`;
  return { what: `${kind}.${action}`, ...defined({ subject }) };
}
