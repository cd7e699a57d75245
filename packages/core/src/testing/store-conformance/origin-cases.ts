import assert from "node:assert/strict";
import { toEventKey } from "../../machine/event-message.ts";
import type { QueuedEvent } from "../../ports/stack-store.ts";
import type { Store } from "../../ports/store.ts";
import type { ConformanceCase } from "../conformance-case.ts";
import {
  aChange,
  aDispatch,
  aHistoryEntry,
  aParkedEvent,
  aPut,
  aQueuedEvent,
  aSetAsideEvent,
  aSettle,
  commitNow,
  DAY,
  dispatchNow,
  grantNow,
  T0,
  take,
  toReceipts,
} from "./store-builders.ts";
import { expectKind, storeCase } from "./store-case.ts";

const RESULT = "result:a1";

const fromOutside = (id: string) => aQueuedEvent(id);
const fromWorker = (id: string) => aQueuedEvent(id, { origin: "worker" });

async function takeEvents(store: Store, now = T0): Promise<readonly QueuedEvent[]> {
  const items = await take(store, ["event"], { now });
  return items.map((item) => expectKind(item, "event").event);
}

const listOrigins = (events: readonly QueuedEvent[]) => events.map(({ id, origin }) => `${id} ${origin}`);

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
    "queues a result although an event from outside with its id was applied, parked or set aside",
    async (store) => {
      const forged = fromOutside("result:a2");
      await dispatchNow(store, ["a1", "a2", "a3"]);
      const [loaded] = await store.load(["s1"]);
      const version = await commitNow(
        store,
        aPut({}, { expectedVersion: loaded?.version ?? 0, appliedIds: [toEventKey(fromOutside(RESULT))] }),
      );
      await commitNow(
        store,
        aChange({
          expectedVersion: version,
          park: [aParkedEvent("result:a2", { event: forged })],
          setAside: [aSetAsideEvent("x1", { event: fromOutside("result:a3") })],
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
    const version = await commitNow(store, aPut({}, { appliedIds: forged }));
    const applied = aPut({}, { expectedVersion: version, appliedIds: [toEventKey(fromWorker(RESULT))] });

    const [result] = await store.commit([applied]);

    assert.equal(result?.kind, "committed");
    const again = aChange({
      expectedVersion: version + 1,
      park: [aParkedEvent(RESULT, { event: fromWorker(RESULT) })],
    });
    const [loaded] = await store.load(["s1"]);
    assert.deepEqual(await store.commit([{ ...again, expectedVersion: loaded?.version ?? 0 }]), [
      { kind: "duplicate", eventIds: [toEventKey(fromWorker(RESULT))] },
    ]);
  }),

  storeCase("parks events of both origins under one id, and takes out the one that is meant", async (store) => {
    const [outside, worker] = [fromOutside(RESULT), fromWorker(RESULT)];
    const park = [
      aParkedEvent(RESULT, { event: outside, parkedAt: T0 }),
      aParkedEvent(RESULT, { event: worker, parkedAt: T0 + 1 }),
    ];
    const version = await commitNow(store, aPut({}, { park }));
    const listParked = async () => {
      const [loaded] = await store.load(["s1"]);
      return listOrigins((loaded?.parked ?? []).map(({ event }) => event));
    };

    assert.deepEqual(await listParked(), [`${RESULT} external`, `${RESULT} worker`]);
    await commitNow(store, aChange({ expectedVersion: version, unpark: [toEventKey(outside)] }));

    assert.deepEqual(await listParked(), [`${RESULT} worker`]);
    await store.enqueue([worker, outside]);
    assert.deepEqual(listOrigins(await takeEvents(store)), [`${RESULT} external`]);
  }),

  storeCase("handles an event of one origin and leaves the other's in the queue", async (store) => {
    await store.enqueue([fromOutside(RESULT), fromWorker(RESULT)]);
    const acknowledges = (await take(store, ["event"], { limit: 1 })).flatMap(toReceipts);

    await commitNow(
      store,
      aPut({}, { appliedIds: [toEventKey(fromOutside(RESULT))], acknowledges, history: [aHistoryEntry(RESULT)] }),
    );

    assert.deepEqual(listOrigins(await takeEvents(store, T0 + DAY)), [`${RESULT} worker`]);
  }),

  storeCase(
    "queues the end of a cancelled attempt although an event from outside with its id was applied",
    async (store) => {
      const version = await commitNow(
        store,
        aPut({}, { appliedIds: [toEventKey(fromOutside("cancelled:a1"))], dispatches: [aDispatch("a1")] }),
      );

      const cancels = [{ attemptId: "a1", withinMs: 1_000, why: "requested", unclaimedAtOnce: true } as const];
      await commitNow(store, aChange({ expectedVersion: version, cancels }));

      assert.deepEqual(listOrigins(await takeEvents(store)), ["cancelled:a1 worker"]);
    },
  ),
];
