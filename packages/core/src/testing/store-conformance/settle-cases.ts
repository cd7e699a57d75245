import assert from "node:assert/strict";
import type { Store } from "../../ports/store.ts";
import type { ConformanceCase } from "../conformance-case.ts";
import {
  aPut,
  aQueuedEvent,
  aSettle,
  commitNow,
  DAY,
  dispatchNow,
  expectKind,
  grantNow,
  HOUR,
  SECOND,
  storeCase,
  T0,
  take,
  takeEventIds,
} from "./store-builders.ts";

/** The end of an attempt: `settle`. */
export const settleCases: readonly ConformanceCase<Store>[] = [
  storeCase("settles an attempt and queues the result's event with it", async (store) => {
    await dispatchNow(store, ["a1"]);
    const settle = aSettle("a1", { outcome: "failed", log: "Error: quota\n" });

    assert.equal(await store.settle(await grantNow(store, "a1"), settle), "settled");

    const view = await store.findAttempt("a1");
    assert.deepEqual([view?.status, view?.outcome, view?.log], ["settled", "failed", "Error: quota\n"]);
    assert.deepEqual([view?.leaseUntil, view?.pollDueAt], [undefined, undefined]);
    const [item] = await take(store, ["event"]);
    assert.deepEqual(expectKind(item, "event").event, settle.event);
  }),

  storeCase("settles once", async (store) => {
    await dispatchNow(store, ["a1"]);
    const grant = await grantNow(store, "a1");
    await store.settle(grant, aSettle("a1"));

    assert.equal(await store.settle(grant, aSettle("a1", { event: aQueuedEvent("other") })), "lost");
    assert.deepEqual(await store.renew(grant, { leaseMs: SECOND, now: T0 }), { kind: "lost" });

    assert.deepEqual(await takeEventIds(store), ["result:a1"]);
    assert.equal((await store.findAttempt("a1"))?.outcome, "succeeded");
  }),

  storeCase("settles an attempt whose result's event was applied before, and queues it no more", async (store) => {
    await dispatchNow(store, ["a1"]);
    const grant = await grantNow(store, "a1");
    await commitNow(store, aPut({}, { appliedIds: ["internal:result:a1"] }));

    assert.equal(await store.settle(grant, aSettle("a1")), "settled");

    assert.deepEqual(await takeEventIds(store), []);
  }),

  storeCase("queues follow-ups with the result, not before their instant", async (store) => {
    await dispatchNow(store, ["a1"]);
    const at = T0 + HOUR;
    const followUps = [{ event: aQueuedEvent("f1", { stackId: "run-1" }), notBefore: at }];

    await store.settle(await grantNow(store, "a1"), aSettle("a1", { followUps }));

    assert.deepEqual(await takeEventIds(store), ["result:a1"]);
    assert.deepEqual(await takeEventIds(store, { now: at - 1, leaseMs: DAY }), ["result:a1"]);
    assert.deepEqual(await takeEventIds(store, { now: at }), ["f1"]);
  }),

  storeCase("has nothing due of a settled attempt", async (store) => {
    await dispatchNow(store, ["a1"]);
    await store.settle(await grantNow(store, "a1"), aSettle("a1"));

    assert.deepEqual(await take(store, ["task", "poll", "deadline", "lapsedLease"], { now: T0 + 10 * DAY }), []);
    assert.equal((await store.queries.stats()).openAttempts, 0);
  }),
];
