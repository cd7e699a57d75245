import assert from "node:assert/strict";
import type { Store } from "../../ports/store.ts";
import type { ConformanceCase } from "../conformance-case.ts";
import {
  aClaim,
  aSettle,
  dispatchNow,
  grantNow,
  HOUR,
  MINUTE,
  SECOND,
  T0,
  take,
  takeAttemptIds,
  toReceipts,
} from "./store-builders.ts";
import { expectKind, storeCase } from "./store-case.ts";

/** An attempt `a1` that was suspended at `T0`, due a minute later. */
async function suspendOne(store: Store, progress: unknown = { step: 1 }) {
  await dispatchNow(store, ["a1"]);
  const grant = await grantNow(store, "a1");
  assert.equal(await store.suspend(grant, { progress, dueAt: T0 + MINUTE, message: "1 of 3", now: T0 }), "suspended");
  return grant;
}

/** Suspended attempts and renewed leases: `suspend`, `renew`, due polls and lapsed leases. */
export const suspendCases: readonly ConformanceCase<Store>[] = [
  storeCase("gives the lease back with a suspension: the old grant is lost", async (store) => {
    const grant = await suspendOne(store);

    assert.deepEqual(await store.renew(grant, { leaseMs: MINUTE, now: T0 }), { kind: "lost" });
    assert.equal(await store.suspend(grant, { progress: {}, dueAt: T0, now: T0 }), "lost");
    assert.equal(await store.settle(grant, aSettle("a1")), "lost");
    const view = await store.findAttempt("a1");
    assert.deepEqual(
      [view?.status, view?.pollDueAt, view?.progressMessage, view?.leaseUntil],
      ["suspended", T0 + MINUTE, "1 of 3", undefined],
    );
  }),

  storeCase("holds a suspended attempt until it is due, then grants it with its progress", async (store) => {
    const progress = { step: 1, list: [null, { a: "ä" }], zero: 0, no: false, empty: "" };
    const first = await suspendOne(store, progress);

    const early = await store.claim(aClaim("a1", { owner: "w2", now: T0 + MINUTE - 1 }));
    const due = expectKind(await store.claim(aClaim("a1", { owner: "w2", now: T0 + MINUTE })), "granted");

    assert.equal(early.kind, "held");
    assert.deepEqual(due.progress, progress);
    assert.equal(due.again, true);
    assert.ok(due.grant.token > first.token);
  }),

  storeCase("keeps the last progress over a grant whose owner is lost", async (store) => {
    await suspendOne(store, { step: 1 });
    const second = await grantNow(store, "a1", { now: T0 + MINUTE });
    await store.suspend(second, { progress: { step: 2 }, dueAt: T0 + 2 * MINUTE, now: T0 + MINUTE });
    await grantNow(store, "a1", { now: T0 + 2 * MINUTE });

    const fourth = expectKind(await store.claim(aClaim("a1", { now: T0 + HOUR })), "granted");

    assert.deepEqual(fourth.progress, { step: 2 });
  }),

  storeCase("hands the message of a suspended attempt out when its poll is due", async (store) => {
    await suspendOne(store);

    assert.deepEqual(await take(store, ["poll"], { now: T0 + MINUTE - 1 }), []);
    const [item] = await take(store, ["poll"], { now: T0 + MINUTE });

    const poll = expectKind(item, "poll");
    assert.deepEqual([poll.attemptId, poll.message.dispatch.id, poll.dueAt], ["a1", "a1", T0 + MINUTE]);
  }),

  storeCase(
    "hands a poll out before its time to who asks for later, once until the lease after that",
    async (store) => {
      await suspendOne(store);
      const input = { now: T0 + 2 * MINUTE, leaseMs: MINUTE };

      const [item] = await take(store, ["poll"], input);

      assert.equal(expectKind(item, "poll").dueAt, T0 + MINUTE);
      assert.deepEqual(await take(store, ["poll"], { ...input, now: T0 + 3 * MINUTE - 1 }), []);
      assert.equal((await store.claim(aClaim("a1", { now: T0 + MINUTE - 1 }))).kind, "held");
      await grantNow(store, "a1", { now: T0 + MINUTE });
      assert.deepEqual(await take(store, ["poll"], { ...input, now: T0 + HOUR }), []);
    },
  ),

  storeCase(
    "hands a poll out again after the lease of its take, acknowledged or not, until it is claimed",
    async (store) => {
      await suspendOne(store);
      const now = T0 + MINUTE;
      const taken = await take(store, ["poll"], { now, leaseMs: MINUTE });
      await store.release(taken.flatMap(toReceipts));

      assert.deepEqual(await takeAttemptIds(store, "poll", { now: now + MINUTE - 1 }), []);
      assert.deepEqual(await takeAttemptIds(store, "poll", { now: now + MINUTE }), ["a1"]);
      await grantNow(store, "a1", { now: now + MINUTE });
      assert.deepEqual(await take(store, ["poll"], { now: now + HOUR }), []);
    },
  ),

  storeCase("hands a poll out from the instant on that it was given back for", async (store) => {
    await suspendOne(store);
    const now = T0 + MINUTE;
    const receipts = (await take(store, ["poll"], { now, leaseMs: HOUR })).flatMap(toReceipts);

    await store.release(receipts, now + SECOND);

    assert.deepEqual(await takeAttemptIds(store, "poll", { now }), []);
    assert.deepEqual(await takeAttemptIds(store, "poll", { now: now + SECOND }), ["a1"]);
  }),

  storeCase("makes a poll due by its new instant after another suspension", async (store) => {
    await suspendOne(store);
    const now = T0 + MINUTE;
    await take(store, ["poll"], { now, leaseMs: HOUR });
    const grant = await grantNow(store, "a1", { now });

    await store.suspend(grant, { progress: {}, dueAt: now + SECOND, now });

    assert.deepEqual(await takeAttemptIds(store, "poll", { now: now + SECOND }), ["a1"]);
  }),

  storeCase("renews a lease, and one that is over but that nobody took", async (store) => {
    await dispatchNow(store, ["a1"]);
    const grant = await grantNow(store, "a1", { leaseMs: MINUTE });

    const inTime = await store.renew(grant, { leaseMs: MINUTE, now: T0 + 30 * SECOND, message: "half" });
    const late = await store.renew(grant, { leaseMs: MINUTE, now: T0 + 10 * MINUTE });

    assert.deepEqual([inTime, late], [{ kind: "renewed" }, { kind: "renewed" }]);
    const view = await store.findAttempt("a1");
    assert.deepEqual([view?.leaseUntil, view?.progressMessage], [T0 + 11 * MINUTE, "half"]);
    assert.equal((await store.claim(aClaim("a1", { owner: "w2", now: T0 + 10 * MINUTE }))).kind, "held");
  }),

  storeCase("settles and suspends under a lease that is over but that nobody took", async (store) => {
    await dispatchNow(store, ["a1", "a2"]);
    const one = await grantNow(store, "a1");
    const two = await grantNow(store, "a2");
    const now = T0 + 10 * MINUTE;

    assert.equal(await store.settle(one, aSettle("a1", { now })), "settled");
    assert.equal(await store.suspend(two, { progress: {}, dueAt: now, now }), "suspended");
  }),

  storeCase("hands the message of an attempt out again when its owner is gone", async (store) => {
    await dispatchNow(store, ["a1"]);
    const grant = await grantNow(store, "a1", { leaseMs: MINUTE });
    await store.renew(grant, { leaseMs: MINUTE, now: T0 + 30 * SECOND });
    const over = T0 + 90 * SECOND;

    assert.deepEqual(await take(store, ["lapsedLease"], { now: over - 1 }), []);
    const [item] = await take(store, ["lapsedLease"], { now: over, leaseMs: MINUTE });

    const lapsed = expectKind(item, "lapsedLease");
    assert.deepEqual([lapsed.message.dispatch.id, lapsed.dueAt], ["a1", over]);
    assert.deepEqual(await take(store, ["lapsedLease"], { now: over + MINUTE - 1 }), []);
    assert.deepEqual(await takeAttemptIds(store, "lapsedLease", { now: over + MINUTE }), ["a1"]);
  }),

  storeCase("has no lapsed lease of an attempt that was taken over, suspended or settled", async (store) => {
    await dispatchNow(store, ["taken", "suspended", "settled"]);
    await grantNow(store, "taken");
    const suspended = await grantNow(store, "suspended");
    const settled = await grantNow(store, "settled");
    const now = T0 + MINUTE;

    await grantNow(store, "taken", { owner: "w2", leaseMs: HOUR, now });
    await store.suspend(suspended, { progress: {}, dueAt: T0 + HOUR, now });
    await store.settle(settled, aSettle("settled", { now }));

    assert.deepEqual(await take(store, ["lapsedLease"], { now: now + MINUTE }), []);
  }),
];
