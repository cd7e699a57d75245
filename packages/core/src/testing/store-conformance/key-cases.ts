import assert from "node:assert/strict";
import type { Store } from "../../ports/store.ts";
import type { ConformanceCase } from "../conformance-case.ts";
import {
  aCancel,
  aChange,
  aClaim,
  aSettle,
  commitNow,
  DAY,
  dispatchNow,
  expectKind,
  grantNow,
  HOUR,
  MINUTE,
  SECOND,
  storeCase,
  T0,
  take,
  takeAttemptIds,
  takeEventIds,
} from "./store-builders.ts";

const K = "terraform:state";
const keyed = { exclusiveKeys: [K] };

/** Dispatches attempts `a`, `b`, `c` of three stacks, in this order; `a` holds the key. */
async function dispatchThree(store: Store) {
  await dispatchNow(store, ["a"], { stackId: "z" });
  await dispatchNow(store, ["b"], { stackId: "y" });
  await dispatchNow(store, ["c"], { stackId: "x" });
  return grantNow(store, "a", keyed);
}

/** Exclusive keys: at most one live attempt a key in the yard, the others queue. */
export const keyCases: readonly ConformanceCase<Store>[] = [
  storeCase("queues an attempt whose key another one has, in order of dispatch over all stacks", async (store) => {
    await dispatchThree(store);

    const late = await store.claim(aClaim("c", keyed));
    const early = await store.claim(aClaim("b", keyed));
    const again = await store.claim(aClaim("c", keyed));

    assert.deepEqual(late, { kind: "queued", key: K, holder: "a", place: 1 });
    assert.deepEqual(early, { kind: "queued", key: K, holder: "a", place: 1 });
    assert.deepEqual(again, { kind: "queued", key: K, holder: "a", place: 2 });
  }),

  storeCase("shows whom a queued attempt waits for, and what it holds", async (store) => {
    await dispatchThree(store);
    await store.claim(aClaim("b", { exclusiveKeys: [K, "key:db"] }));

    const view = await store.findAttempt("b");

    assert.deepEqual(
      [view?.status, view?.queuedFor, view?.heldKeys],
      ["queued", { key: K, holder: "a", place: 1 }, ["key:db"]],
    );
    assert.deepEqual((await store.findAttempt("a"))?.heldKeys, [K]);
  }),

  storeCase("passes the key on with the holder's settling, and hands out the next one's message", async (store) => {
    const grant = await dispatchThree(store);
    await store.claim(aClaim("c", keyed));
    await store.claim(aClaim("b", keyed));
    assert.deepEqual(await take(store, ["task"]), []);

    await store.settle(grant, aSettle("a"));

    assert.deepEqual(await takeAttemptIds(store, "task"), ["b"]);
    const next = await store.findAttempt("b");
    assert.deepEqual([next?.status, next?.heldKeys, next?.queuedFor], ["unclaimed", [K], undefined]);
    assert.deepEqual(await store.claim(aClaim("c", keyed)), { kind: "queued", key: K, holder: "b", place: 1 });
    assert.equal((await store.claim(aClaim("b", keyed))).kind, "granted");
  }),

  storeCase("lets no attempt overtake the one that received the key", async (store) => {
    const grant = await dispatchThree(store);
    await store.claim(aClaim("c", keyed));
    await store.settle(grant, aSettle("a"));

    const early = await store.claim(aClaim("b", keyed));

    assert.deepEqual(early, { kind: "queued", key: K, holder: "c", place: 1 });
    assert.equal((await store.claim(aClaim("c", keyed))).kind, "granted");
  }),

  storeCase("passes the key on when the holder is closed", async (store) => {
    await dispatchThree(store);
    await store.claim(aClaim("b", keyed));

    await commitNow(store, aChange({ stackId: "z", endedAttempts: ["a"] }));

    assert.deepEqual(await takeAttemptIds(store, "task"), ["b"]);
    assert.deepEqual((await store.findAttempt("a"))?.heldKeys, []);
  }),

  storeCase("passes the key on when the one that was next is cancelled at once", async (store) => {
    const grant = await dispatchThree(store);
    await store.claim(aClaim("b", keyed));
    await store.claim(aClaim("c", keyed));
    await store.settle(grant, aSettle("a"));

    await commitNow(store, aChange({ stackId: "y", cancels: [aCancel("b")] }));

    assert.ok((await takeAttemptIds(store, "task")).includes("c"));
    assert.equal((await store.claim(aClaim("b", keyed))).kind, "gone");
    assert.equal((await store.claim(aClaim("c", keyed))).kind, "granted");
  }),

  storeCase("passes the key over those who end at the moment at which it is passed on", async (store) => {
    const keys = Array.from({ length: 10 }, (_, index) => `key:${index}`);
    await dispatchNow(
      store,
      keys.map((key) => `a-${key}`),
      { stackId: "z" },
    );
    await dispatchNow(
      store,
      keys.map((key) => `b-${key}`),
      { stackId: "y" },
    );
    await dispatchNow(
      store,
      keys.map((key) => `c-${key}`),
      { stackId: "x" },
    );
    const pass = async (key: string) => {
      const holder = await grantNow(store, `a-${key}`, { exclusiveKeys: [key] });
      expectKind(await store.claim(aClaim(`b-${key}`, { exclusiveKeys: [key] })), "queued");
      const close = aChange({ stackId: "y", endedAttempts: [`b-${key}`] });
      await Promise.all([store.settle(holder, aSettle(`a-${key}`)), commitNow(store, close)]);
      return (await store.claim(aClaim(`c-${key}`, { exclusiveKeys: [key] }))).kind;
    };

    const claims = await Promise.all(keys.map(pass));

    assert.deepEqual(
      claims,
      keys.map(() => "granted"),
    );
  }),

  storeCase("frees the key when no attempt waits", async (store) => {
    const grant = await dispatchThree(store);
    await store.settle(grant, aSettle("a"));

    assert.equal((await store.claim(aClaim("c", keyed))).kind, "granted");
  }),

  storeCase("takes two keys in sorted order: at the first it queues without the second", async (store) => {
    await dispatchNow(store, ["a", "b", "c"]);
    await grantNow(store, "a", { exclusiveKeys: ["key:1"] });

    const both = await store.claim(aClaim("b", { exclusiveKeys: ["key:2", "key:1"] }));

    assert.deepEqual(both, { kind: "queued", key: "key:1", holder: "a", place: 1 });
    assert.equal((await store.claim(aClaim("c", { exclusiveKeys: ["key:2"] }))).kind, "granted");
  }),

  storeCase("takes two keys in sorted order: at the second it queues and keeps the first", async (store) => {
    await dispatchNow(store, ["a", "b", "c"]);
    const grant = await grantNow(store, "a", { exclusiveKeys: ["key:2"] });

    const both = await store.claim(aClaim("b", { exclusiveKeys: ["key:2", "key:1"] }));
    const first = await store.claim(aClaim("c", { exclusiveKeys: ["key:1"] }));

    assert.deepEqual(both, { kind: "queued", key: "key:2", holder: "a", place: 1 });
    assert.deepEqual(first, { kind: "queued", key: "key:1", holder: "b", place: 1 });
    await store.settle(grant, aSettle("a"));
    const next = await grantNow(store, "b", { exclusiveKeys: ["key:2", "key:1"] });
    assert.deepEqual((await store.findAttempt("b"))?.heldKeys, ["key:1", "key:2"]);
    await store.settle(next, aSettle("b"));
    assert.equal((await store.claim(aClaim("c", { exclusiveKeys: ["key:1"] }))).kind, "granted");
  }),

  storeCase("queues for the second key after the first was passed on", async (store) => {
    await dispatchNow(store, ["a", "b", "c"]);
    const a = await grantNow(store, "a", { exclusiveKeys: ["key:1"] });
    const b = await grantNow(store, "b", { exclusiveKeys: ["key:2"] });
    const both = { exclusiveKeys: ["key:1", "key:2"] };
    await store.claim(aClaim("c", both));

    await store.settle(a, aSettle("a"));
    const second = await store.claim(aClaim("c", both));
    await store.settle(b, aSettle("b"));

    assert.deepEqual(second, { kind: "queued", key: "key:2", holder: "b", place: 1 });
    assert.equal((await store.claim(aClaim("c", both))).kind, "granted");
  }),

  storeCase("takes a key that is named twice once", async (store) => {
    await dispatchNow(store, ["a", "b"]);
    const grant = await grantNow(store, "a", { exclusiveKeys: [K, K] });

    assert.deepEqual((await store.findAttempt("a"))?.heldKeys, [K]);
    await store.settle(grant, aSettle("a"));
    assert.equal((await store.claim(aClaim("b", keyed))).kind, "granted");
  }),

  storeCase("keeps the keys of a suspended attempt", async (store) => {
    const grant = await dispatchThree(store);
    await store.suspend(grant, { progress: {}, dueAt: T0 + HOUR, now: T0 });

    assert.deepEqual(await store.claim(aClaim("b", keyed)), { kind: "queued", key: K, holder: "a", place: 1 });
    assert.equal((await store.claim(aClaim("a", { ...keyed, now: T0 + HOUR }))).kind, "granted");
  }),

  storeCase("keeps the keys of an attempt whose lease is over", async (store) => {
    await dispatchThree(store);
    const now = T0 + 2 * MINUTE;

    assert.deepEqual(await store.claim(aClaim("b", { ...keyed, now })), {
      kind: "queued",
      key: K,
      holder: "a",
      place: 1,
    });
    assert.equal((await store.claim(aClaim("a", { ...keyed, owner: "w2", now }))).kind, "granted");
  }),

  storeCase("stops the clock while an attempt is queued", async (store) => {
    const grant = await dispatchThree(store);
    await store.claim(aClaim("b", keyed));
    const late = T0 + 10 * DAY;
    await commitNow(store, aChange({ stackId: "x", endedAttempts: ["c"] }));
    await store.settle(grant, aSettle("a", { now: late }));

    assert.deepEqual(await take(store, ["deadline"], { now: late }), []);
    assert.equal((await store.findAttempt("b"))?.deadlineAt, late + DAY);
    const granted = await store.claim(aClaim("b", { ...keyed, now: late + SECOND }));
    assert.equal(expectKind(granted, "granted").deadlineAt, late + SECOND + HOUR);
  }),

  storeCase("keeps what is left to claim an attempt that waits for one key after the other", async (store) => {
    const grant = await dispatchThree(store);
    await dispatchNow(store, ["d"], { stackId: "w", claimWithinMs: HOUR });
    const other = await grantNow(store, "c", { exclusiveKeys: ["terraform:other"] });
    await store.claim(aClaim("d", { ...keyed, now: T0 + MINUTE }));
    await store.settle(grant, aSettle("a", { now: T0 + DAY }));

    assert.equal((await store.findAttempt("d"))?.deadlineAt, T0 + DAY + HOUR);
    await store.claim(aClaim("d", { exclusiveKeys: [K, "terraform:other"], now: T0 + DAY + MINUTE }));
    await store.settle(other, aSettle("c", { now: T0 + 2 * DAY }));
    assert.equal((await store.findAttempt("d"))?.deadlineAt, T0 + 2 * DAY + HOUR);
  }),

  storeCase("hands out no deadline of a queued attempt", async (store) => {
    await dispatchThree(store);
    await store.claim(aClaim("b", keyed));

    assert.deepEqual(await takeAttemptIds(store, "deadline", { now: T0 + 10 * DAY }), ["a", "c"]);
  }),

  storeCase("ends a queued attempt at once when it is cancelled, with its event", async (store) => {
    const grant = await dispatchThree(store);
    await store.claim(aClaim("b", keyed));
    await store.claim(aClaim("c", keyed));

    await commitNow(store, aChange({ stackId: "y", cancels: [aCancel("b")] }));

    assert.deepEqual(await takeEventIds(store), ["cancelled:b"]);
    assert.equal((await store.findAttempt("b"))?.outcome, "cancelled");
    assert.deepEqual((await store.findAttempt("c"))?.queuedFor, { key: K, holder: "a", place: 1 });
    await store.settle(grant, aSettle("a"));
    assert.deepEqual(await takeAttemptIds(store, "task"), ["c"]);
  }),

  storeCase("frees the first key of a two-key attempt that ends while it is queued", async (store) => {
    await dispatchNow(store, ["a", "b", "c"]);
    await grantNow(store, "a", { exclusiveKeys: ["key:2"] });
    await store.claim(aClaim("b", { exclusiveKeys: ["key:1", "key:2"] }));
    await store.claim(aClaim("c", { exclusiveKeys: ["key:1"] }));

    await commitNow(store, aChange({ endedAttempts: ["b"] }));

    assert.deepEqual(await takeAttemptIds(store, "task"), ["c"]);
    assert.equal((await store.claim(aClaim("c", { exclusiveKeys: ["key:1"] }))).kind, "granted");
  }),
];
