import assert from "node:assert/strict";
import type { Lease, Leases } from "../ports/records.ts";
import { type ConformanceCase, portCase } from "./conformance-case.ts";
import type { FakeClock } from "./fake-clock.ts";

/** Leases and the clock that they go by. */
export interface LeasesUnderTest {
  readonly leases: Leases;
  readonly clock: FakeClock;
}

const TTL = 60_000;

const leasesCase = portCase<LeasesUnderTest>;

async function acquireNow(leases: Leases, key: string, owner: string, ttlMs = TTL): Promise<Lease> {
  const result = await leases.acquire(key, owner, ttlMs);
  return result.kind === "acquired" ? result.lease : assert.fail(`"${key}" is held by ${result.by}.`);
}

/** Every promise of the `Leases` port. */
export const leasesConformance: readonly ConformanceCase<LeasesUnderTest>[] = [
  leasesCase("grants a free lease, and shows it", async ({ leases, clock }) => {
    const lease = await acquireNow(leases, "states/a b", "ada@host 1 (plan)");

    const until = clock.now() + TTL;
    assert.deepEqual(lease, { key: "states/a b", owner: "ada@host 1 (plan)", token: lease.token, until });
    assert.ok(lease.token > 0);
    assert.deepEqual(await leases.find("states/a b"), lease);
    assert.equal(await leases.find("states/a"), undefined);
  }),

  leasesCase("refuses a lease that is held, and returns its owner and end", async ({ leases, clock }) => {
    const lease = await acquireNow(leases, "a", "ada");
    await clock.advance(TTL - 1);

    assert.deepEqual(await leases.acquire("a", "bob", TTL), { kind: "held", by: "ada", until: lease.until });
    assert.deepEqual(await leases.acquire("a", "ada", TTL), { kind: "held", by: "ada", until: lease.until });
    await acquireNow(leases, "b", "bob");
  }),

  leasesCase("gives a lease that is over to another one, with a higher token", async ({ leases, clock }) => {
    const first = await acquireNow(leases, "a", "ada");
    await clock.advance(TTL);

    assert.equal(await leases.find("a"), undefined);
    const second = await acquireNow(leases, "a", "bob");

    assert.ok(second.token > first.token);
  }),

  leasesCase("gives a released lease to another one, with a higher token", async ({ leases }) => {
    const first = await acquireNow(leases, "a", "ada");
    await leases.release(first);

    assert.equal(await leases.find("a"), undefined);
    const second = await acquireNow(leases, "a", "ada");

    assert.ok(second.token > first.token);
  }),

  leasesCase("renews a lease under the same token", async ({ leases, clock }) => {
    const lease = await acquireNow(leases, "a", "ada");
    await clock.advance(TTL / 2);

    const renewed = await leases.renew(lease, TTL);

    assert.deepEqual(renewed, { ...lease, until: clock.now() + TTL });
    await clock.advance(TTL - 1);
    assert.deepEqual(await leases.find("a"), renewed);
  }),

  leasesCase("renews an expired lease without a new owner", async ({ leases, clock }) => {
    const lease = await acquireNow(leases, "a", "ada");
    await clock.advance(2 * TTL);

    assert.equal((await leases.renew(lease, TTL))?.token, lease.token);
    assert.equal((await leases.acquire("a", "bob", TTL)).kind, "held");
  }),

  leasesCase("does not renew a lease that was released or that went to another one", async ({ leases, clock }) => {
    const released = await acquireNow(leases, "a", "ada");
    await leases.release(released);
    const lost = await acquireNow(leases, "b", "ada");
    await clock.advance(TTL);
    const taken = await acquireNow(leases, "b", "ada");

    assert.equal(await leases.renew(released, TTL), undefined);
    assert.equal(await leases.renew(lost, TTL), undefined);
    assert.deepEqual(await leases.find("b"), taken);
  }),

  leasesCase("ignores the release of a lease that does not exist or was lost", async ({ leases, clock }) => {
    const late = await acquireNow(leases, "a", "ada");
    await clock.advance(TTL);
    const lease = await acquireNow(leases, "a", "bob");

    await leases.release(late);
    await leases.release({ ...late, key: "never" });

    assert.deepEqual(await leases.find("a"), lease);
    await leases.release(lease);
    await leases.release(lease);
  }),

  leasesCase("gives a lease to one of those who ask at the same time", async ({ leases }) => {
    const results = await Promise.all(["a", "b", "c", "d"].map((owner) => leases.acquire("key", owner, TTL)));

    const [won, ...others] = results.flatMap((result) => (result.kind === "acquired" ? [result.lease] : []));
    assert.deepEqual(others, []);
    assert.deepEqual(await leases.find("key"), won);
  }),
];
