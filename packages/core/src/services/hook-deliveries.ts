import { StackyardError } from "../errors/stackyard-error.ts";
import { defined, isMap } from "../machine/json.ts";
import type { Clock } from "../ports/clock.ts";
import type { Page, PageInput, Records } from "../ports/records.ts";

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

/** A delivery as it is remembered, for 14 days. */
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
const MAX_TRIES = 20;

/** Creates the memory of deliveries. */
export function createHookDeliveries({
  records,
  clock,
}: {
  readonly records: Records;
  readonly clock: Pick<Clock, "now">;
}): HookDeliveries {
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
        const value: HookDelivery = { ...delivery, outcome };
        const expires = defined({ expiresAt: found.expiresAt });
        const put = await records.put({ key, value, expected: found.version, now, ...expires });
        if (put.kind === "written") return;
      }
      throw new StackyardError("RECORD_CONFLICT", `Too many concurrent writes to the delivery ${digest}. Try again.`);
    },
  };
}

/** Lists deliveries, newest first. */
export async function listHookDeliveries(
  { records, clock }: { readonly records: Records; readonly clock: Pick<Clock, "now"> },
  page: PageInput,
): Promise<Page<HookDelivery>> {
  const now = clock.now();
  const { items, ...rest } = await records.list("hooks/log/", { ...page, now });
  const found = await Promise.all(
    items.map(async ({ value }) => {
      const key = isMap(value) ? value["key"] : undefined;
      return typeof key === "string" ? toDelivery((await records.get(key, now))?.value) : undefined;
    }),
  );
  return { items: found.filter((delivery) => delivery !== undefined), ...rest };
}

function toDelivery(value: unknown): HookDelivery | undefined {
  return isDelivery(value) ? value : undefined;
}

/** Returns true for a delivery. Only deliveries are stored under these keys, so a shallow check is enough. */
function isDelivery(value: unknown): value is HookDelivery {
  return isMap(value) && typeof value["id"] === "string" && typeof value["receivedAt"] === "number";
}
