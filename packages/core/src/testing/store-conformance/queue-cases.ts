import assert from "node:assert/strict";
import type { Store } from "../../ports/store.ts";
import type { ConformanceCase } from "../conformance-case.ts";
import {
  aChange,
  aClaim,
  aDispatch,
  aParkedEvent,
  aPut,
  aQueuedEvent,
  commitNow,
  grantNow,
  HOUR,
  MINUTE,
  SECOND,
  T0,
  take,
  takeAttemptIds,
  takeEventIds,
  toReceipts,
} from "./store-builders.ts";
import { expectKind, storeCase } from "./store-case.ts";

/** The store as a queue: `enqueue`, `takeDue` of events and tasks, `acknowledge`, `giveBack`. */
export const queueCases: readonly ConformanceCase<Store>[] = [
  storeCase("hands an event out as it was accepted, and counts deliveries", async (store) => {
    const event = aQueuedEvent("e1", { actor: "ada", message: { event: "PUSH", metadata: { a: [1, null] } } });
    await store.enqueue([event]);

    const [first] = await take(store, ["event"]);
    const [second] = await take(store, ["event"], { now: T0 + MINUTE });

    assert.deepEqual(expectKind(first, "event").event, event);
    assert.equal(expectKind(first, "event").deliveries, 1);
    assert.equal(expectKind(second, "event").deliveries, 2);
  }),

  storeCase("says of each event whether it was added", async (store) => {
    await commitNow(store, aPut({}, { appliedIds: ["applied"], park: [aParkedEvent("parked")] }));
    await store.enqueue([aQueuedEvent("queued")]);
    const ids = ["new", "applied", "parked", "queued", "new", "other"];

    const added = await store.enqueue([
      ...ids.map((id) => aQueuedEvent(id)),
      aQueuedEvent("applied", { stackId: "s2" }),
    ]);

    assert.deepEqual(added, [true, false, false, false, false, true, true]);
    assert.deepEqual(await store.enqueue([]), []);
  }),

  storeCase("hands events out oldest first, at most as many as asked for", async (store) => {
    await store.enqueue([aQueuedEvent("e1", { stackId: "a" }), aQueuedEvent("e2", { stackId: "b" })]);
    await store.enqueue([aQueuedEvent("e3", { stackId: "a" }), aQueuedEvent("e4", { stackId: "c" })]);

    assert.deepEqual(await takeEventIds(store, { limit: 3 }), ["e1", "e2", "e3"]);
    assert.deepEqual(await takeEventIds(store, { limit: 3 }), ["e4"]);
  }),

  storeCase("hands a row out once until its lease is over", async (store) => {
    await store.enqueue([aQueuedEvent("e1")]);

    assert.deepEqual(await takeEventIds(store, { leaseMs: MINUTE }), ["e1"]);
    assert.deepEqual(await takeEventIds(store, { now: T0 + MINUTE - 1 }), []);
    assert.deepEqual(await takeEventIds(store, { now: T0 + MINUTE }), ["e1"]);
  }),

  storeCase("hands a row to one of those who take at the same time", async (store) => {
    await store.enqueue(Array.from({ length: 20 }, (_, index) => aQueuedEvent(`e${index}`, { stackId: `s${index}` })));

    const taken = await Promise.all([1, 2, 3, 4].map(() => takeEventIds(store, { limit: 10 })));

    const ids = taken.flat();
    assert.deepEqual([ids.length, new Set(ids).size], [20, 20]);
  }),

  storeCase("hands no later event of a stack out while an earlier one is out", async (store) => {
    await store.enqueue(["e1", "e2", "e3"].map((id) => aQueuedEvent(id)));
    await store.enqueue([aQueuedEvent("other", { stackId: "s2" })]);
    const [first] = await take(store, ["event"], { limit: 1 });

    assert.deepEqual(await takeEventIds(store), ["other"]);

    await store.release(first === undefined ? [] : toReceipts(first));
    assert.deepEqual(await takeEventIds(store), ["e2", "e3"]);
  }),

  storeCase("holds later events back until all of an earlier batch is done", async (store) => {
    await store.enqueue(["e1", "e2", "e3"].map((id) => aQueuedEvent(id)));
    const [r1, r2] = (await take(store, ["event"], { limit: 2 })).flatMap(toReceipts);

    await store.release([r1 ?? ""]);
    assert.deepEqual(await takeEventIds(store), []);
    await store.release([r2 ?? ""]);
    assert.deepEqual(await takeEventIds(store), ["e3"]);
  }),

  storeCase("holds later events of a stack back while an earlier one was given back for later", async (store) => {
    await store.enqueue([aQueuedEvent("e1"), aQueuedEvent("e2"), aQueuedEvent("other", { stackId: "s2" })]);
    const [receipt] = (await take(store, ["event"], { limit: 1 })).flatMap(toReceipts);

    await store.release([receipt ?? ""], T0 + 10 * SECOND);

    assert.deepEqual(await takeEventIds(store, { now: T0 + 9 * SECOND }), ["other"]);
    assert.deepEqual(await takeEventIds(store, { now: T0 + 10 * SECOND }), ["e1", "e2"]);
  }),

  storeCase(
    "hands other stacks' events out, however many wait behind one that was given back for later",
    async (store) => {
      await store.enqueue(["a1", "a2", "a3"].map((id) => aQueuedEvent(id, { stackId: "a" })));
      const [receipt] = (await take(store, ["event"], { limit: 1 })).flatMap(toReceipts);
      await store.release([receipt ?? ""], T0 + 10 * SECOND);
      await store.enqueue([aQueuedEvent("b1", { stackId: "b" })]);

      assert.deepEqual(await takeEventIds(store, { limit: 2 }), ["b1"]);
      assert.deepEqual(await takeEventIds(store, { now: T0 + 10 * SECOND, limit: 2 }), ["a1", "a2"]);
    },
  ),

  storeCase("hands a whole batch out again in order after it was given back", async (store) => {
    await store.enqueue(["e1", "e2", "e3"].map((id) => aQueuedEvent(id)));
    const receipts = (await take(store, ["event"])).flatMap(toReceipts);

    await store.release(receipts, T0);

    assert.deepEqual(await takeEventIds(store), ["e1", "e2", "e3"]);
  }),

  storeCase("orders events of an unknown stack among themselves", async (store) => {
    await store.enqueue([aQueuedEvent("e1", { stackId: "" }), aQueuedEvent("e2", { stackId: "" })]);

    assert.deepEqual(await takeEventIds(store, { limit: 1 }), ["e1"]);
    assert.deepEqual(await takeEventIds(store), []);
  }),

  storeCase("passes over an event whose id is queued, out, parked or applied", async (store) => {
    const ids = ["queued", "out", "parked", "applied"];
    await store.enqueue([aQueuedEvent("out")]);
    await takeEventIds(store);
    await commitNow(store, aPut({}, { park: [aParkedEvent("parked")], appliedIds: ["applied"] }));
    await store.enqueue([aQueuedEvent("queued"), aQueuedEvent("queued")]);

    await store.enqueue(ids.map((id) => aQueuedEvent(id, { receivedAt: T0 + SECOND })));

    assert.deepEqual(await takeEventIds(store, { now: T0 + MINUTE }), ["out", "queued"]);
    assert.equal((await store.queries.stats()).queuedEvents, 2);
  }),

  storeCase("passes over ids that a removed stack applied", async (store) => {
    await commitNow(store, aPut({}, { appliedIds: ["e1"] }));
    await commitNow(store, aChange({ write: { kind: "remove" } }));

    await store.enqueue([aQueuedEvent("e1"), aQueuedEvent("e2")]);

    assert.deepEqual(await takeEventIds(store), ["e2"]);
  }),

  storeCase("takes the same id for two stacks as two events", async (store) => {
    await store.enqueue([aQueuedEvent("e1", { stackId: "a" }), aQueuedEvent("e1", { stackId: "b" })]);

    assert.deepEqual(await takeEventIds(store), ["e1", "e1"]);
  }),

  storeCase("takes an id again that was acknowledged without being applied", async (store) => {
    await store.enqueue([aQueuedEvent("e1")]);
    await store.release((await take(store, ["event"])).flatMap(toReceipts));

    await store.enqueue([aQueuedEvent("e1")]);

    assert.deepEqual(await takeEventIds(store), ["e1"]);
  }),

  storeCase("passes over receipts that it does not know", async (store) => {
    await store.release(["nothing", ""]);
    await store.release(["nothing", ""], T0);
    await commitNow(store, aPut({}, { acknowledges: ["nothing"] }));
  }),

  storeCase("acknowledges a row whose lease is over but that nobody took", async (store) => {
    await store.enqueue([aQueuedEvent("e1")]);
    const receipts = (await take(store, ["event"])).flatMap(toReceipts);

    await commitNow(store, aPut({}, { acknowledges: receipts, now: T0 + HOUR }));

    assert.deepEqual(await takeEventIds(store, { now: T0 + HOUR }), []);
  }),

  storeCase("hands a task message out until it is acknowledged", async (store) => {
    await commitNow(store, aPut({}, { dispatches: [aDispatch("a1"), aDispatch("a2", { task: "b" })] }));

    const [first, second] = await take(store, ["task"]);

    const item = expectKind(first, "task");
    assert.deepEqual([item.attemptId, item.message.dispatch.id, item.deliveries], ["a1", "a1", 1]);
    assert.deepEqual(await take(store, ["task"]), []);
    await store.release([item.receipt]);
    await store.release([expectKind(second, "task").receipt], T0 + SECOND);
    assert.deepEqual(await takeAttemptIds(store, "task"), []);
    assert.deepEqual(await takeAttemptIds(store, "task", { now: T0 + SECOND }), ["a2"]);
    assert.deepEqual(await takeAttemptIds(store, "task", { now: T0 + 2 * MINUTE }), ["a2"]);
  }),

  storeCase("removes the message of an attempt with its claim, whatever the claim answers", async (store) => {
    await commitNow(store, aPut({}, { dispatches: [aDispatch("a1"), aDispatch("a2", { task: "b" })] }));
    await commitNow(store, aChange({ closes: ["a2"] }));
    await take(store, ["task"]);

    expectKind(await store.claim(aClaim("a1")), "granted");
    expectKind(await store.claim(aClaim("a2")), "gone");

    assert.equal((await store.queries.stats()).queuedTasks, 0);
    assert.deepEqual(await take(store, ["task"], { now: T0 + HOUR }), []);
  }),

  storeCase("sends the message of the same attempt again, without a new attempt", async (store) => {
    await commitNow(store, aPut({}, { dispatches: [aDispatch("a1")] }));
    await store.release((await take(store, ["task"])).flatMap(toReceipts));
    const grant = await grantNow(store, "a1");

    await commitNow(store, aPut({}, { dispatches: [aDispatch("a1", { again: true })], now: T0 + SECOND }));

    assert.deepEqual(await takeAttemptIds(store, "task"), ["a1"]);
    const listed = await store.queries.listAttempts("s1");
    assert.deepEqual(
      listed.map(({ attemptId, status, token, dispatchedAt }) => [attemptId, status, token, dispatchedAt]),
      [["a1", "running", grant.token, T0]],
    );
  }),

  storeCase("does no harm when a settled attempt is sent again", async (store) => {
    await commitNow(store, aPut({}, { dispatches: [aDispatch("a1")] }));
    await commitNow(store, aChange({ closes: ["a1"] }));

    await commitNow(store, aPut({}, { dispatches: [aDispatch("a1", { again: true })] }));

    const view = await store.findAttempt("a1");
    assert.deepEqual([view?.status, view?.outcome], ["settled", "closed"]);
  }),
];
