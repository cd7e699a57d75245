import { monotonicFactory } from "ulid";
import { MOST_LEASE_MS } from "../attempt/attempt.ts";
import { StackyardError } from "../errors/stackyard-error.ts";
import { defined, isMap } from "../machine/json.ts";
import type { Machine } from "../machine/machine.ts";
import type { Clock, Ids, Random } from "../ports/clock.ts";
import type { LocatedMachine, Locator } from "../ports/locator.ts";
import type { AcquireLeaseResult, Lease, Leases, Records, StoredRecord } from "../ports/records.ts";

// setTimeout is limited to 31 bits. A longer sleep is shortened, and its caller checks the clock again.
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The process's own time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, toTimerMs(ms));
      signal?.addEventListener("abort", done, { once: true });
    }),
};

/** A timer counts by another clock than `now`, in whole milliseconds: by `now` it can end one millisecond early. */
function toTimerMs(ms: number): number {
  return ms > 0 ? Math.min(ms + 1, LONGEST_TIMER_MS) : 0;
}

/** Returns a random number; not cryptographic, which retries do not need. */
export const systemRandom: Random = () => Math.random();

/** Creates ULIDs that increase within a process even in the same millisecond. */
export function createUlids(): Ids {
  const next = monotonicFactory();
  return { next: () => next() };
}

/** A machine with the source that it was compiled from. */
export interface SourcedMachine {
  readonly machine: Machine;
  readonly source: string;
}

/** Creates a locator of the given machines; for tests, programs with built-in machines, and the simulator. */
export function createStaticLocator(machines: readonly SourcedMachine[]): Locator {
  const located = new Map(machines.map((entry): [string, LocatedMachine] => [entry.machine.name, toLocated(entry)]));
  return {
    find: (name) => Promise.resolve(located.get(name) ?? { kind: "unknown" }),
    list: () =>
      Promise.resolve([...located].map(([name, machine]) => ({ name, located: machine, origin: "built in" }))),
  };
}

function toLocated({ machine, source }: SourcedMachine): LocatedMachine {
  const { name, hash } = machine;
  return { kind: "found", machine, revision: { name, hash, source }, problems: [] };
}

/** The options of leases. */
interface LeasesOptions {
  readonly clock: Clock;
  /** Prefix of each key, which separates leases from other records. Default: `leases/`. */
  readonly prefix?: string;
}

/** The value of a lease's record. It remains after the release, because the token must keep growing. */
interface LeaseValue {
  readonly token: number;
  readonly owner?: string;
  readonly until?: number;
  readonly lapses?: number;
}

const NOBODY: LeaseValue = { token: 0 };

/** Returns the lease that an owner takes now, or who holds it. */
function takeLease(
  value: LeaseValue,
  { key, owner, ttlMs, now }: { key: string; owner: string; ttlMs: number; now: number },
): AcquireLeaseResult {
  const found = toLive(key, value, now);
  // A lease that ends later than any can was given by a process whose clock was ahead.
  if (found !== undefined && found.until - now <= Math.max(ttlMs, MOST_LEASE_MS)) {
    return { kind: "held", by: found.owner, until: found.until };
  }
  const lease = { key, owner, token: value.token + 1, until: now + ttlMs };
  // One that was not released has lapsed: its owner has died, or lost the store.
  const lapses = value.owner === undefined ? 0 : (value.lapses ?? 0) + 1;
  return { kind: "acquired", lease: lapses === 0 ? lease : { ...lease, lapses } };
}

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
      const taken = takeLease(value, { key, owner, ttlMs, now: clock.now() });
      if (taken.kind === "held") return taken;
      const { lease } = taken;
      // Another writer holds the lease now, or has released it again. The next try shows which.
      if ((await write(key, record, toValue(lease))).kind === "written") return { kind: "acquired", lease };
    }
  }

  /** Overwrites the record while it belongs to this lease; returns undefined when it does not. */
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

function toValue({ owner, token, until, lapses }: Lease): LeaseValue {
  return { token, owner, until, ...defined({ lapses }) };
}

function toLive(key: string, { owner, token, until, lapses }: LeaseValue, now: number): Lease | undefined {
  if (owner === undefined || until === undefined || until <= now) return undefined;
  return { key, owner, token, until, ...defined({ lapses }) };
}

/** Treats a value that is not a lease as free. */
function toLeaseValue(value: unknown): LeaseValue {
  if (!isMap(value)) return NOBODY;
  const { token, owner, until, lapses } = value;
  if (typeof token !== "number") return NOBODY;
  if (typeof owner !== "string" || typeof until !== "number") return { token };
  return { token, owner, until, ...(typeof lapses === "number" && { lapses }) };
}

/** The records of a runner without a store: each call fails with `CONFIG_INVALID`. */
export const noRecords: Records = {
  get: refuse,
  put: refuse,
  remove: refuse,
  list: refuse,
};

async function refuse(): Promise<never> {
  throw new StackyardError(
    "CONFIG_INVALID",
    "This runner has no store, but the task needs records or leases. Configure the yard's store.",
  );
}
