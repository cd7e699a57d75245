import assert from "node:assert/strict";
import { toEventKey } from "../../machine/event-message.ts";
import type { QueuedEvent } from "../../ports/stack-store.ts";
import type { Store } from "../../ports/store.ts";
import type { ConformanceCase } from "../conformance-case.ts";
import { loadParked } from "./load-parked.ts";
import {
  aCancel,
  aChange,
  aClaim,
  aDeadLetter,
  aDispatch,
  aHistoryEntry,
  aParkedEvent,
  aPut,
  aQueuedEvent,
  aSettle,
  commitNow,
  commitOnPresent,
  DAY,
  dispatchNow,
  expectKind,
  grantNow,
  HOUR,
  loadOne,
  MINUTE,
  SECOND,
  storeCase,
  T0,
  take,
  takeAttemptIds,
  takeEventIds,
  takeReceipts,
} from "./store-builders.ts";

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

  storeCase("keeps what a release adds to its events, and the releases of a stack", async (store) => {
    const note = {
      id: "shop-1",
      incarnation: "r1",
      createdAt: 5,
      task: "tenants",
      event: "stack:0",
      value: "1.41.0",
      at: T0,
    } as const;
    const event = aQueuedEvent("stack:1", {
      origin: "stack",
      sender: { kind: "stack", id: "shop-2", name: "shop-2", machine: "shop-release", owner: "00u1", groups: [] },
      release: {
        task: "tenants",
        incarnation: "r1",
        createdAt: 6,
        expect: 3,
        expiresAt: T0 + MINUTE,
        restores: { api: note, web: null },
      },
    });
    await store.enqueue([aQueuedEvent("stack:1"), event, event]);

    assert.deepEqual(await takeEvents(store), [aQueuedEvent("stack:1"), event]);
    await commitNow(store, aPut({ releases: { api: note } }));
    assert.deepEqual((await loadOne(store)).stack?.releases, { api: note });
  }),

  storeCase("keeps the sender of an event in its queue, while it is parked, and as a dead letter", async (store) => {
    const sender = { kind: "person", id: "https://id.example.org 00u1", name: "ada", groups: ["ops", "web"] } as const;
    const event = aQueuedEvent("e1", { actor: "ada", sender: { ...sender, requestId: "r1", address: "192.0.2.1" } });
    await store.enqueue([event]);
    const [item] = await take(store, ["event"]);
    const parked = aQueuedEvent("parked", { sender });
    const given = aDeadLetter("given", { event: aQueuedEvent("e2", { sender }) });
    await commitNow(store, aPut({}, { park: [aParkedEvent("parked", { event: parked })], deadLetters: [given] }));

    const [waiting] = await loadParked(store);
    const { items } = await store.queries.listDeadLetters({}, { limit: 1 });

    assert.deepEqual(expectKind(item, "event").event, event);
    assert.deepEqual(waiting?.event, parked);
    assert.deepEqual(items, [given]);
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

  storeCase("returns events oldest first, at most as many as requested", async (store) => {
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
    const receipts = await takeReceipts(store, ["event"], { limit: 1 });

    assert.deepEqual(await takeEventIds(store), ["other"]);

    await store.release(receipts);
    assert.deepEqual(await takeEventIds(store), ["e2", "e3"]);
  }),

  storeCase("holds later events back until all of an earlier batch is done", async (store) => {
    await store.enqueue(["e1", "e2", "e3"].map((id) => aQueuedEvent(id)));
    const [r1, r2] = await takeReceipts(store, ["event"], { limit: 2 });

    await store.release([r1 ?? ""]);
    assert.deepEqual(await takeEventIds(store), []);
    await store.release([r2 ?? ""]);
    assert.deepEqual(await takeEventIds(store), ["e3"]);
  }),

  storeCase("holds later events of a stack back while an earlier one was given back for later", async (store) => {
    await store.enqueue([aQueuedEvent("e1"), aQueuedEvent("e2"), aQueuedEvent("other", { stackId: "s2" })]);
    const receipts = await takeReceipts(store, ["event"], { limit: 1 });

    await store.release(receipts, T0 + 10 * SECOND);

    assert.deepEqual(await takeEventIds(store, { now: T0 + 9 * SECOND }), ["other"]);
    assert.deepEqual(await takeEventIds(store, { now: T0 + 10 * SECOND }), ["e1", "e2"]);
  }),

  storeCase(
    "hands other stacks' events out, however many wait behind one that was given back for later",
    async (store) => {
      await store.enqueue(["a1", "a2", "a3"].map((id) => aQueuedEvent(id, { stackId: "a" })));
      await store.release(await takeReceipts(store, ["event"], { limit: 1 }), T0 + 10 * SECOND);
      await store.enqueue([aQueuedEvent("b1", { stackId: "b" })]);

      assert.deepEqual(await takeEventIds(store, { limit: 2 }), ["b1"]);
      assert.deepEqual(await takeEventIds(store, { now: T0 + 10 * SECOND, limit: 2 }), ["a1", "a2"]);
    },
  ),

  storeCase("hands a whole batch out again in order after it was given back", async (store) => {
    await store.enqueue(["e1", "e2", "e3"].map((id) => aQueuedEvent(id)));
    const receipts = await takeReceipts(store, ["event"]);

    await store.release(receipts, T0);

    assert.deepEqual(await takeEventIds(store), ["e1", "e2", "e3"]);
  }),

  storeCase("orders events of an unknown stack among themselves", async (store) => {
    await store.enqueue([aQueuedEvent("e1", { stackId: "" }), aQueuedEvent("e2", { stackId: "" })]);

    assert.deepEqual(await takeEventIds(store, { limit: 1 }), ["e1"]);
    assert.deepEqual(await takeEventIds(store), []);
  }),

  storeCase("ignores an event whose id is queued, received, parked or applied", async (store) => {
    const ids = ["queued", "out", "parked", "applied"];
    await store.enqueue([aQueuedEvent("out")]);
    await takeEventIds(store);
    await commitNow(store, aPut({}, { park: [aParkedEvent("parked")], appliedIds: ["applied"] }));
    await store.enqueue([aQueuedEvent("queued"), aQueuedEvent("queued")]);

    await store.enqueue(ids.map((id) => aQueuedEvent(id, { receivedAt: T0 + SECOND })));

    assert.deepEqual(await takeEventIds(store, { now: T0 + MINUTE }), ["out", "queued"]);
    assert.equal((await store.queries.stats()).queuedEvents, 2);
  }),

  storeCase("ignores ids that a removed stack applied", async (store) => {
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
    await store.release(await takeReceipts(store, ["event"]));

    await store.enqueue([aQueuedEvent("e1")]);

    assert.deepEqual(await takeEventIds(store), ["e1"]);
  }),

  storeCase("ignores unknown receipts", async (store) => {
    await store.release(["nothing", ""]);
    await store.release(["nothing", ""], T0);
    await commitNow(store, aPut({}, { receipts: ["nothing"] }));
  }),

  storeCase("receipts a row with an expired lease and without a new owner", async (store) => {
    await store.enqueue([aQueuedEvent("e1")]);
    const receipts = await takeReceipts(store, ["event"]);

    await commitNow(store, aPut({}, { receipts, now: T0 + HOUR }));

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
    await commitNow(store, aChange({ endedAttempts: ["a2"] }));
    await take(store, ["task"]);

    expectKind(await store.claim(aClaim("a1")), "granted");
    expectKind(await store.claim(aClaim("a2")), "gone");

    assert.equal((await store.queries.stats()).queuedTasks, 0);
    assert.deepEqual(await take(store, ["task"], { now: T0 + HOUR }), []);
  }),

  storeCase("sends the message of the same attempt again, without a new attempt", async (store) => {
    await commitNow(store, aPut({}, { dispatches: [aDispatch("a1")] }));
    await store.release(await takeReceipts(store, ["task"]));
    const grant = await grantNow(store, "a1");

    await commitNow(store, aPut({}, { dispatches: [aDispatch("a1", { again: true })], now: T0 + SECOND }));

    assert.deepEqual(await takeAttemptIds(store, "task"), ["a1"]);
    const listed = await store.queries.listAttempts("s1");
    assert.deepEqual(
      listed.map(({ attemptId, status, token, dispatchedAt }) => [attemptId, status, token, dispatchedAt]),
      [["a1", "running", grant.token, T0]],
    );
  }),

  storeCase("sends an attempt again as it was sent first, whatever its machine would send now", async (store) => {
    const first = aDispatch("a1");
    const next = { ...first.message, task: { ...first.message.task, executor: "another", config: { size: 2 } } };
    await commitNow(store, aPut({}, { dispatches: [first] }));
    await store.release(await takeReceipts(store, ["task"]));

    await commitNow(store, aPut({}, { dispatches: [{ ...first, again: true, message: next }], now: T0 + SECOND }));

    const items = await take(store, ["task"], { now: T0 + MINUTE });
    assert.deepEqual(
      items.map((item) => "message" in item && item.message.task),
      [first.message.task],
    );
  }),

  storeCase("sends the stored message of an attempt for which no other can be made", async (store) => {
    const first = aDispatch("a1");
    await commitNow(store, aPut({}, { dispatches: [first] }));
    await store.release(await takeReceipts(store, ["task"]));
    const grant = await grantNow(store, "a1");

    await commitNow(store, aPut({}, { resends: ["a1", "a2"], now: T0 + SECOND }));
    await commitNow(store, aChange({ resends: ["a1"], now: T0 + SECOND }));

    const items = await take(store, ["task"], { now: T0 + MINUTE });
    assert.deepEqual(
      items.map((item) => "message" in item && item.message),
      [first.message],
    );
    const listed = await store.queries.listAttempts("s1");
    assert.deepEqual(
      listed.map(({ attemptId, status, token }) => [attemptId, status, token]),
      [["a1", "running", grant.token]],
    );
  }),

  storeCase("does no harm when a settled attempt is sent again", async (store) => {
    await commitNow(store, aPut({}, { dispatches: [aDispatch("a1")] }));
    await commitNow(store, aChange({ endedAttempts: ["a1"] }));

    await commitNow(store, aPut({}, { dispatches: [aDispatch("a1", { again: true })], resends: ["a1"] }));

    const view = await store.findAttempt("a1");
    assert.deepEqual([view?.status, view?.outcome], ["settled", "closed"]);
  }),
];

const RESULT = "result:a1";

const fromOutside = (id: string) => aQueuedEvent(id);
const fromWorker = (id: string) => aQueuedEvent(id, { origin: "worker" });

async function takeEvents(store: Store, now = T0): Promise<readonly QueuedEvent[]> {
  const items = await take(store, ["event"], { now });
  return items.map((item) => expectKind(item, "event").event);
}

const listOrigins = (events: readonly Pick<QueuedEvent, "id" | "origin">[]) =>
  events.map(({ id, origin }) => `${id} ${origin}`);

/** An event is known by its origin and id: senders choose ids, and those of results and timers can be guessed. */
export const originCases: readonly ConformanceCase<Store>[] = [
  storeCase("queues a result although an event from outside with its id is queued", async (store) => {
    await dispatchNow(store, ["a1"]);
    const grant = await grantNow(store, "a1");
    await store.enqueue([fromOutside(RESULT)]);

    assert.equal(await store.settle(grant, aSettle("a1")), "settled");

    assert.deepEqual(listOrigins(await takeEvents(store)), [`${RESULT} external`, `${RESULT} worker`]);
  }),

  storeCase(
    "queues a result although an event from outside with its id was applied, parked or dead-lettered",
    async (store) => {
      const forged = fromOutside("result:a2");
      await dispatchNow(store, ["a1", "a2", "a3"]);
      await commitNow(store, aPut({}, { appliedIds: [toEventKey(fromOutside(RESULT))] }));
      await commitNow(
        store,
        aChange({
          park: [aParkedEvent("result:a2", { event: forged })],
          deadLetters: [aDeadLetter("x1", { event: fromOutside("result:a3") })],
        }),
      );

      for (const id of ["a1", "a2", "a3"]) await store.settle(await grantNow(store, id), aSettle(id));

      const expected = ["result:a1 worker", "result:a2 worker", "result:a3 worker"];
      assert.deepEqual(listOrigins(await takeEvents(store)), expected);
    },
  ),

  storeCase("queues an event from outside although a result with its id is queued or was applied", async (store) => {
    await commitNow(store, aPut({}, { appliedIds: [toEventKey(fromWorker("applied"))] }));
    await store.enqueue([fromWorker("queued")]);

    await store.enqueue([fromOutside("queued"), fromOutside("applied")]);

    assert.deepEqual(listOrigins(await takeEvents(store)), ["queued worker", "queued external", "applied external"]);
  }),

  storeCase("commits a result although an event from outside with its id was applied", async (store) => {
    const forged = [toEventKey(fromOutside(RESULT)), toEventKey(fromOutside(`internal:${RESULT}`))];
    const key = toEventKey(fromWorker(RESULT));
    await commitNow(store, aPut({}, { appliedIds: forged }));

    const result = await commitOnPresent(store, aPut({}, { appliedIds: [key] }));

    assert.equal(result.kind, "committed");
    const again = aChange({ park: [aParkedEvent(RESULT, { event: fromWorker(RESULT) })] });
    assert.deepEqual(await commitOnPresent(store, again), { kind: "duplicate", eventIds: [key] });
  }),

  storeCase("parks events of both origins under one id, and takes out the one that is meant", async (store) => {
    const [outside, worker] = [fromOutside(RESULT), fromWorker(RESULT)];
    const park = [
      aParkedEvent(RESULT, { event: outside, parkedAt: T0 }),
      aParkedEvent(RESULT, { event: worker, parkedAt: T0 + 1 }),
    ];
    await commitNow(store, aPut({}, { park }));
    const listParked = async () => listOrigins((await loadOne(store)).parked.map(({ event }) => event));

    assert.deepEqual(await listParked(), [`${RESULT} external`, `${RESULT} worker`]);
    await commitNow(store, aChange({ unpark: [toEventKey(outside)] }));

    assert.deepEqual(await listParked(), [`${RESULT} worker`]);
    await store.enqueue([worker, outside]);
    assert.deepEqual(listOrigins(await takeEvents(store)), [`${RESULT} external`]);
  }),

  storeCase("handles an event of one origin and leaves the other's in the queue", async (store) => {
    await store.enqueue([fromOutside(RESULT), fromWorker(RESULT)]);
    const receipts = await takeReceipts(store, ["event"], { limit: 1 });

    await commitNow(
      store,
      aPut({}, { appliedIds: [toEventKey(fromOutside(RESULT))], receipts, history: [aHistoryEntry(RESULT)] }),
    );

    assert.deepEqual(listOrigins(await takeEvents(store, T0 + DAY)), [`${RESULT} worker`]);
  }),

  storeCase(
    "queues the end of a cancelled attempt although an event from outside with its id was applied",
    async (store) => {
      await commitNow(
        store,
        aPut({}, { appliedIds: [toEventKey(fromOutside("cancelled:a1"))], dispatches: [aDispatch("a1")] }),
      );

      await commitNow(store, aChange({ cancels: [aCancel("a1")] }));

      assert.deepEqual(listOrigins(await takeEvents(store)), ["cancelled:a1 worker"]);
    },
  ),
];
