import assert from "node:assert/strict";
import type { CancelAttempt } from "../../ports/stack-store.ts";
import type { Store } from "../../ports/store.ts";
import type { ConformanceCase } from "../conformance-case.ts";
import {
  aCancel,
  aChange,
  aClaim,
  aDispatch,
  aPut,
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
} from "./store-builders.ts";

async function cancelNow(store: Store, overrides: Partial<CancelAttempt> = {}, now = T0) {
  await commitNow(store, aChange({ cancels: [aCancel("a1", overrides)], now }));
}

async function takeDeadlines(store: Store, now: number) {
  const items = await take(store, ["deadline"], { now, leaseMs: 1 });
  return items.map((item) => {
    const { attemptId, why } = expectKind(item, "deadline");
    return [attemptId, why];
  });
}

/** Cancels and deadlines of attempts. */
export const cancelCases: readonly ConformanceCase<Store>[] = [
  storeCase("ends an unclaimed attempt at once where all runners have the store, with its event", async (store) => {
    await dispatchNow(store, ["a1"]);

    await cancelNow(store, {}, T0 + SECOND);

    const [item] = await take(store, ["event"], { now: T0 + SECOND });
    assert.deepEqual(expectKind(item, "event").event, {
      id: "cancelled:a1",
      stackId: "s1",
      origin: "worker",
      receivedAt: T0 + SECOND,
      message: { event: "TASK_CANCELLED", stackId: "s1", task: { name: "plan" }, dispatchId: "a1" },
    });
    const view = await store.findAttempt("a1");
    assert.deepEqual([view?.status, view?.outcome], ["settled", "cancelled"]);
    assert.equal((await store.claim(aClaim("a1"))).kind, "gone");
    assert.deepEqual(await take(store, ["deadline"], { now: T0 + 10 * DAY }), []);
  }),

  storeCase(
    "leaves an unclaimed attempt alive where runners may have no store, and shows the cancel to its owner",
    async (store) => {
      await dispatchNow(store, ["a1"]);

      await cancelNow(store, { unclaimedAtOnce: false });

      assert.deepEqual(await take(store, ["event"]), []);
      assert.equal((await store.findAttempt("a1"))?.cancelling, "requested");
      assert.equal(expectKind(await store.claim(aClaim("a1")), "granted").cancelling, "requested");
    },
  ),

  storeCase("reports a cancel to a running attempt when it renews, and does not end it", async (store) => {
    await dispatchNow(store, ["a1"]);
    const grant = await grantNow(store, "a1");

    await cancelNow(store);

    const renewed = await store.renew(grant, { leaseMs: MINUTE, now: T0 });
    assert.deepEqual(renewed, { kind: "renewed", cancelling: "requested" });
    assert.equal((await store.findAttempt("a1"))?.status, "running");
    assert.deepEqual(await take(store, ["event"]), []);
    assert.equal(await store.settle(grant, aSettle("a1", { outcome: "cancelled" })), "settled");
  }),

  storeCase("reports a cancel to the next owner", async (store) => {
    await dispatchNow(store, ["a1"]);
    await grantNow(store, "a1");
    await cancelNow(store, { why: "timed-out" });

    const next = expectKind(await store.claim(aClaim("a1", { owner: "w2", now: T0 + MINUTE })), "granted");

    assert.equal(next.cancelling, "timed-out");
  }),

  storeCase("makes the poll of a suspended attempt due at once when a cancel is requested", async (store) => {
    await dispatchNow(store, ["a1"]);
    const grant = await grantNow(store, "a1");
    await store.suspend(grant, { progress: { step: 1 }, dueAt: T0 + HOUR, now: T0 });
    assert.deepEqual(await takeAttemptIds(store, "poll", { now: T0 + SECOND }), []);

    await cancelNow(store, {}, T0 + SECOND);

    assert.deepEqual(await takeAttemptIds(store, "poll", { now: T0 + SECOND }), ["a1"]);
    const claim = expectKind(await store.claim(aClaim("a1", { now: T0 + SECOND })), "granted");
    assert.deepEqual([claim.cancelling, claim.progress], ["requested", { step: 1 }]);
  }),

  storeCase("makes the poll due at once when the cancel came while the owner worked", async (store) => {
    await dispatchNow(store, ["a1"]);
    const grant = await grantNow(store, "a1");
    await cancelNow(store);

    await store.suspend(grant, { progress: {}, dueAt: T0 + HOUR, now: T0 + SECOND });

    assert.deepEqual(await takeAttemptIds(store, "poll", { now: T0 + SECOND }), ["a1"]);
  }),

  storeCase("polls a cancel that its owner knows of when the owner says", async (store) => {
    await dispatchNow(store, ["a1"]);
    await cancelNow(store, { unclaimedAtOnce: false });
    const grant = await grantNow(store, "a1");

    await store.suspend(grant, { progress: {}, dueAt: T0 + MINUTE, now: T0 });

    assert.deepEqual(await takeAttemptIds(store, "poll", { now: T0 + MINUTE - 1 }), []);
    assert.deepEqual(await takeAttemptIds(store, "poll", { now: T0 + MINUTE }), ["a1"]);
  }),

  storeCase("ignores a cancel of an attempt that is unknown or settled", async (store) => {
    await dispatchNow(store, ["a1"]);
    await store.settle(await grantNow(store, "a1"), aSettle("a1"));
    await cancelNow(store);
    await cancelNow(store, { attemptId: "unknown" });

    assert.equal((await store.findAttempt("a1"))?.outcome, "succeeded");
    assert.deepEqual(await takeDeadlines(store, T0 + DAY), []);
  }),

  storeCase("gives an unclaimed attempt a day, or its timeout when that is longer", async (store) => {
    await dispatchNow(store, ["short"], { timeoutMs: HOUR });
    await dispatchNow(store, ["long"], { timeoutMs: 2 * DAY });

    assert.deepEqual(await takeDeadlines(store, T0 + DAY - 1), []);
    assert.deepEqual(await takeDeadlines(store, T0 + DAY), [["short", "deadline"]]);
    assert.deepEqual(await takeDeadlines(store, T0 + 2 * DAY), [
      ["short", "deadline"],
      ["long", "deadline"],
    ]);
  }),

  storeCase("hands out a passed deadline with its stack and task, until it is dealt with", async (store) => {
    await dispatchNow(store, ["a1"]);
    await grantNow(store, "a1", { leaseMs: 2 * HOUR });
    const input = { now: T0 + HOUR, leaseMs: MINUTE };

    assert.deepEqual(await take(store, ["deadline"], { now: T0 + HOUR - 1 }), []);
    const items = await take(store, ["deadline"], input);

    assert.deepEqual(items, [
      { kind: "deadline", stackId: "s1", attemptId: "a1", task: "plan", why: "deadline", dueAt: T0 + HOUR },
    ]);
    assert.deepEqual(await take(store, ["deadline"], { ...input, now: T0 + HOUR + MINUTE - 1 }), []);
    assert.deepEqual(await takeAttemptIds(store, "deadline", { ...input, now: T0 + HOUR + MINUTE }), ["a1"]);
    await commitNow(store, aChange({ endedAttempts: ["a1"] }));
    assert.deepEqual(await take(store, ["deadline"], { now: T0 + DAY }), []);
  }),

  storeCase("hands out deadlines of suspended attempts and of removed stacks", async (store) => {
    await dispatchNow(store, ["a1"]);
    await store.suspend(await grantNow(store, "a1"), { progress: {}, dueAt: T0 + DAY, now: T0 });
    await commitNow(store, aChange({ write: { kind: "remove" } }));

    assert.deepEqual(await takeDeadlines(store, T0 + HOUR), [["a1", "deadline"]]);
  }),

  storeCase("replaces the deadline by the time of the cancel once one is requested", async (store) => {
    await dispatchNow(store, ["a1"]);
    await grantNow(store, "a1", { leaseMs: DAY });
    await take(store, ["deadline"], { now: T0 + HOUR, leaseMs: DAY });

    await cancelNow(store, { why: "timed-out", withinMs: 5 * MINUTE }, T0 + HOUR);

    assert.deepEqual(await takeDeadlines(store, T0 + HOUR + 5 * MINUTE - 1), []);
    assert.deepEqual(await takeDeadlines(store, T0 + HOUR + 5 * MINUTE), [["a1", "cancel"]]);
  }),

  storeCase("ends the time of a requested cancel before the deadline", async (store) => {
    await dispatchNow(store, ["a1"]);
    await grantNow(store, "a1");

    await cancelNow(store, { withinMs: 5 * MINUTE });

    assert.deepEqual(await takeDeadlines(store, T0 + 5 * MINUTE), [["a1", "cancel"]]);
  }),

  storeCase("does not prolong a cancel by another one", async (store) => {
    await dispatchNow(store, ["a1"]);
    await grantNow(store, "a1");
    await cancelNow(store, { withinMs: 5 * MINUTE });

    await cancelNow(store, { withinMs: 5 * MINUTE }, T0 + 4 * MINUTE);

    assert.deepEqual(await takeDeadlines(store, T0 + 5 * MINUTE), [["a1", "cancel"]]);
  }),

  storeCase(
    "cancels an attempt that was granted before through its executor, also while it waits for a key",
    async (store) => {
      await dispatchNow(store, ["a1", "a2"]);
      await grantNow(store, "a1", { leaseMs: SECOND });
      await grantNow(store, "a2", { exclusiveKeys: ["key:db"] });
      await store.claim(aClaim("a1", { exclusiveKeys: ["key:db"], now: T0 + MINUTE }));

      await cancelNow(store, { withinMs: 5 * MINUTE }, T0 + MINUTE);

      const view = await store.findAttempt("a1");
      assert.deepEqual([view?.status, view?.cancelling, view?.outcome], ["queued", "requested", undefined]);
      assert.deepEqual(await takeDeadlines(store, T0 + 6 * MINUTE - 1), []);
      assert.deepEqual(await takeDeadlines(store, T0 + 6 * MINUTE), [["a1", "cancel"]]);
    },
  ),

  storeCase("polls a suspended attempt at once after each cancel", async (store) => {
    await dispatchNow(store, ["a1"]);
    await store.suspend(await grantNow(store, "a1"), { progress: {}, dueAt: T0 + HOUR, now: T0 });
    await cancelNow(store, { withinMs: HOUR });
    const again = await grantNow(store, "a1", { now: T0 + SECOND });
    await store.suspend(again, { progress: {}, dueAt: T0 + HOUR, now: T0 + SECOND });

    await cancelNow(store, { withinMs: HOUR }, T0 + MINUTE);

    assert.equal((await store.findAttempt("a1"))?.pollDueAt, T0 + MINUTE);
    assert.deepEqual(await takeAttemptIds(store, "poll", { now: T0 + MINUTE }), ["a1"]);
  }),

  storeCase("lets the earliest end count when several cancels allow different times", async (store) => {
    await dispatchNow(store, ["a1", "a2"]);
    await grantNow(store, "a1", { leaseMs: HOUR });
    await grantNow(store, "a2", { leaseMs: HOUR });
    await cancelNow(store, { attemptId: "a1", withinMs: 10 * MINUTE });
    await cancelNow(store, { attemptId: "a2", withinMs: MINUTE });

    await cancelNow(store, { attemptId: "a1", withinMs: 5 * MINUTE });
    await cancelNow(store, { attemptId: "a2", withinMs: 5 * MINUTE });

    assert.deepEqual(await takeDeadlines(store, T0 + MINUTE), [["a2", "cancel"]]);
    assert.deepEqual((await takeDeadlines(store, T0 + 5 * MINUTE)).sort(), [
      ["a1", "cancel"],
      ["a2", "cancel"],
    ]);
  }),

  storeCase("keeps the shortest time of several cancels until the first grant starts it", async (store) => {
    await dispatchNow(store, ["a1"]);
    await cancelNow(store, { withinMs: MINUTE, unclaimedAtOnce: false });
    await cancelNow(store, { withinMs: 5 * MINUTE, unclaimedAtOnce: false });

    await grantNow(store, "a1", { now: T0 + HOUR });

    assert.deepEqual(await takeDeadlines(store, T0 + HOUR + MINUTE), [["a1", "cancel"]]);
  }),

  storeCase("removes the message of an attempt that ends unclaimed, and keeps one message of each", async (store) => {
    await commitNow(store, aPut({}, { dispatches: [aDispatch("a1"), aDispatch("a2")] }));
    await commitNow(store, aChange({ dispatches: [aDispatch("a2", { again: true })] }));

    await cancelNow(store);

    assert.deepEqual(await takeAttemptIds(store, "task"), ["a2"]);
  }),
];
