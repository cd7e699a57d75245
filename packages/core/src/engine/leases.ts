import type { Clock } from "../ports/clock.ts";
import type { AcquireLeaseResult, Lease, Leases } from "../ports/leases.ts";
import type { Records, StoredRecord } from "../ports/records.ts";

/** How leases are kept. */
export interface LeasesOptions {
  readonly clock: Clock;
  /** Before each key, so that leases stand apart from other records. Default: `leases/`. */
  readonly prefix?: string;
}

/** What a lease's record holds. It stays after the release: the token must go on growing. */
interface LeaseValue {
  readonly token: number;
  readonly owner?: string;
  readonly until?: number;
}

const NOBODY: LeaseValue = { token: 0 };

/** Leases over records with conditional writes. A lease that is over is free for anybody, also for its last owner. */
export function createLeases(records: Records, { clock, prefix = "leases/" }: LeasesOptions): Leases {
  async function load(key: string): Promise<{ record: StoredRecord | undefined; value: LeaseValue }> {
    const record = await records.get(prefix + key, clock.now());
    return { record, value: toLeaseValue(record?.value) };
  }

  function write(key: string, record: StoredRecord | undefined, value: LeaseValue) {
    return records.put({ key: prefix + key, value, expected: record?.version ?? "absent", now: clock.now() });
  }

  async function acquire(key: string, owner: string, ttlMs: number): Promise<AcquireLeaseResult> {
    for (;;) {
      const { record, value } = await load(key);
      const holder = toLive(key, value, clock.now());
      if (holder !== undefined) return { kind: "held", by: holder.owner, until: holder.until };
      const lease = { key, owner, token: value.token + 1, until: clock.now() + ttlMs };
      // Somebody who wrote in between holds it now, or freed it again: the next look tells.
      if ((await write(key, record, toValue(lease))).kind === "written") return { kind: "acquired", lease };
    }
  }

  /** Writes over the record while it is this lease's; undefined when it is no more. */
  async function replace(lease: Lease, toNext: () => LeaseValue): Promise<LeaseValue | undefined> {
    for (;;) {
      const { record, value } = await load(lease.key);
      if (value.token !== lease.token || value.owner !== lease.owner) return undefined;
      const next = toNext();
      if ((await write(lease.key, record, next)).kind === "written") return next;
    }
  }

  return {
    acquire,
    async renew(lease, ttlMs) {
      let until = 0;
      const renewed = await replace(lease, () => {
        until = clock.now() + ttlMs;
        return toValue({ ...lease, until });
      });
      return renewed && { ...lease, until };
    },
    async release(lease) {
      await replace(lease, () => ({ token: lease.token }));
    },
    async find(key) {
      const { value } = await load(key);
      return toLive(key, value, clock.now());
    },
  };
}

function toValue({ owner, token, until }: Lease): LeaseValue {
  return { token, owner, until };
}

function toLive(key: string, { owner, token, until }: LeaseValue, now: number): Lease | undefined {
  if (owner === undefined || until === undefined || until <= now) return undefined;
  return { key, owner, token, until };
}

/** What is no lease of ours counts as free. */
function toLeaseValue(value: unknown): LeaseValue {
  if (typeof value !== "object" || value === null || !("token" in value)) return NOBODY;
  const { token, owner, until } = { owner: undefined, until: undefined, ...value };
  if (typeof token !== "number") return NOBODY;
  return typeof owner === "string" && typeof until === "number" ? { token, owner, until } : { token };
}
