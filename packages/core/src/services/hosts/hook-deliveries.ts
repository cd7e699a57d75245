import { Type } from "typebox";
import { defineRecordKind, type RecordsDeps } from "../../ports/record-kind.ts";
import type { Page, PageInput } from "../../ports/records.ts";

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
  /** The id of the first delivery with this body. */
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

/** Deliveries by host and digest. Nothing else is written there, so a brief check is enough. */
const deliveries = defineRecordKind({
  prefix: "hooks/deliveries/",
  value: Type.Unsafe<HookDelivery>(Type.Object({ id: Type.String(), receivedAt: Type.Number() })),
  holds: "deliveries of hosts",
  kept: "14 days",
  damaged: "missing",
});

/** The keys of deliveries. Names begin with the newest. */
const log = defineRecordKind({
  prefix: "hooks/log/",
  value: Type.Object({ key: Type.String() }),
  holds: "the order of deliveries of hosts",
  kept: "14 days",
});

/** Creates the memory of deliveries. */
export function createHookDeliveries(deps: RecordsDeps): HookDeliveries {
  return {
    async add(digest, delivery) {
      const name = `${delivery.host}/${digest}`;
      const expiresAt = deps.clock.now() + KEEP_MS;
      const isNew = await deliveries.add(deps, name, { value: delivery, expiresAt });
      const first = isNew ? delivery : ((await deliveries.find(deps, name)) ?? delivery);
      if (isNew || first.outcome === undefined) {
        const place = `${String(9_999_999_999_999 - first.receivedAt)}-${digest.slice(0, 16)}`;
        await log.add(deps, place, { value: { key: deliveries.toKey(name) }, expiresAt });
      }
      return { first, isNew };
    },
    async settle(host, digest, outcome) {
      await deliveries.change(deps, `${host}/${digest}`, (found) =>
        found === undefined ? {} : { write: { value: { ...found.value, outcome } } },
      );
    },
  };
}

/** Lists deliveries, newest first. */
export async function listHookDeliveries(deps: RecordsDeps, page: PageInput): Promise<Page<HookDelivery>> {
  const { items, unreadable = [], ...rest } = await log.list(deps, page);
  // One that has expired meanwhile is not in the list any more.
  const found = await Promise.all(items.map(({ key }) => deliveries.list(deps, { limit: 1 }, deliveries.toName(key))));
  const damaged = [...unreadable, ...found.flatMap((each) => each.unreadable ?? [])];
  return {
    ...rest,
    items: found.flatMap((each) => each.items),
    ...(damaged.length > 0 && { unreadable: damaged }),
  };
}
