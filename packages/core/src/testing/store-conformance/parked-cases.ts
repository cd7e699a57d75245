import assert from "node:assert/strict";
import type { Store } from "../../ports/store.ts";
import type { ConformanceCase } from "../conformance-case.ts";
import {
  aChange,
  aHistoryEntry,
  aParkedEvent,
  aPut,
  aQueuedEvent,
  aSetAsideEvent,
  commitNow,
  SECOND,
  T0,
  take,
  takeEventIds,
  toReceipts,
} from "./store-builders.ts";
import { storeCase } from "./store-case.ts";

async function loadParked(store: Store, stackId = "s1") {
  const [loaded] = await store.load([stackId]);
  return loaded?.parked ?? [];
}

async function listSetAsideIds(store: Store, filter: { stackId?: string; code?: string } = {}) {
  const { items } = await store.queries.listSetAside(filter, { limit: 100 });
  return items.map(({ id }) => id);
}

/** Parked events and events that were set aside. */
export const parkedCases: readonly ConformanceCase<Store>[] = [
  storeCase("loads parked events as they were parked, oldest first", async (store) => {
    const parked = ["e1", "e2", "e3"].map((id, index) => aParkedEvent(id, { parkedAt: T0 + index }));

    await commitNow(store, aPut({}, { park: parked.slice(0, 2) }));
    await commitNow(store, aChange({ park: parked.slice(2) }));

    assert.deepEqual(await loadParked(store), parked);
  }),

  storeCase("replaces a parked event under its id, in its place", async (store) => {
    await commitNow(store, aChange({ park: [aParkedEvent("e1"), aParkedEvent("e2", { parkedAt: T0 + 1 })] }));
    const again = aParkedEvent("e1", { tries: 2, nextTryAt: T0 + 40 * SECOND, code: "STATE_UNKNOWN" });

    await commitNow(store, aChange({ park: [again] }));

    assert.deepEqual(await loadParked(store), [again, aParkedEvent("e2", { parkedAt: T0 + 1 })]);
    assert.equal((await store.queries.stats()).parkedEvents, 2);
  }),

  storeCase("unparks events, and passes over ids that are not parked", async (store) => {
    await commitNow(store, aChange({ park: [aParkedEvent("e1"), aParkedEvent("e2")] }));

    await commitNow(store, aPut({}, { unpark: ["e1", "nothing"], appliedIds: ["e1"] }));

    assert.deepEqual(
      (await loadParked(store)).map(({ event }) => event.id),
      ["e2"],
    );
    assert.equal((await store.queries.stats()).parkedEvents, 1);
  }),

  storeCase("keeps parked events over the removal of their stack", async (store) => {
    await commitNow(store, aPut({}, { park: [aParkedEvent("e1")] }));

    await commitNow(store, aChange({ write: { kind: "remove" } }));

    assert.deepEqual(await loadParked(store), [aParkedEvent("e1")]);
  }),

  storeCase("lists the ids of stacks with parked events, also of those that do not exist", async (store) => {
    const park = (stackId: string, ids: readonly string[]) =>
      ids.map((id) => aParkedEvent(id, { event: aQueuedEvent(id, { stackId }) }));
    await commitNow(store, aPut({ id: "quiet" }));
    await commitNow(store, aPut({ id: "c" }, { park: park("c", ["e1", "e2"]) }));
    await commitNow(store, aChange({ stackId: "b", park: park("b", ["e1"]) }));
    await commitNow(store, aPut({ id: "d" }, { park: park("d", ["e1"]) }));
    await commitNow(store, aChange({ stackId: "d", write: { kind: "remove" } }));
    await commitNow(store, aPut({ id: "a" }, { park: park("a", ["e1"]) }));

    const first = await store.queries.listParkedStackIds({ limit: 2 });
    await commitNow(store, aPut({ id: "a" }, { unpark: ["e1"] }));
    const second = await store.queries.listParkedStackIds({ limit: 9, after: "b" });

    assert.deepEqual(
      [first, second],
      [
        ["a", "b"],
        ["c", "d"],
      ],
    );
    assert.deepEqual(await store.queries.listParkedStackIds({ limit: 9 }), ["b", "c", "d"]);
  }),

  storeCase("lists what was set aside, newest first, by stack and by code", async (store) => {
    const other = aSetAsideEvent("x3", { event: aQueuedEvent("e3", { stackId: "s2" }), setAsideAt: T0 + 2 });
    const invalid = aSetAsideEvent("x2", { code: "EVENT_INVALID", setAsideAt: T0 + 1 });
    await commitNow(store, aChange({ setAside: [aSetAsideEvent("x1"), invalid] }));
    await commitNow(store, aChange({ stackId: "s2", setAside: [other] }));

    const { items } = await store.queries.listSetAside({}, { limit: 10 });

    assert.deepEqual(items, [other, invalid, aSetAsideEvent("x1")]);
    assert.deepEqual(await listSetAsideIds(store, { stackId: "s1" }), ["x2", "x1"]);
    assert.deepEqual(await listSetAsideIds(store, { code: "EVENT_UNDECLARED" }), ["x3", "x1"]);
    assert.deepEqual(await listSetAsideIds(store, { stackId: "s1", code: "EVENT_UNDECLARED" }), ["x1"]);
  }),

  storeCase("keeps what a change of the empty stack id sets aside of another stack under that one", async (store) => {
    await store.enqueue([aQueuedEvent("e1"), aQueuedEvent("e2")]);
    const [receipt] = (await take(store, ["event"], { limit: 1 })).flatMap(toReceipts);
    const setAside = [aSetAsideEvent("x1", { event: aQueuedEvent("e1") })];
    const history = [aHistoryEntry("e1", { outcome: "set-aside" })];

    await commitNow(store, aChange({ stackId: "", setAside, history, acknowledges: [receipt ?? ""] }));

    assert.deepEqual(await listSetAsideIds(store, { stackId: "s1" }), ["x1"]);
    const { items } = await store.queries.listHistory({ eventId: "e1" }, { limit: 10 });
    assert.deepEqual(
      items.map(({ stackId }) => stackId),
      ["s1"],
    );
    assert.deepEqual(await takeEventIds(store), ["e2"]);
  }),

  storeCase("pages through what was set aside while rows come and go", async (store) => {
    const ids = ["x1", "x2", "x3", "x4", "x5"];
    const setAside = ids.map((id, index) => aSetAsideEvent(id, { setAsideAt: T0 + index }));
    await commitNow(store, aChange({ setAside }));
    const first = await store.queries.listSetAside({}, { limit: 2 });

    await commitNow(store, aChange({ setAside: [aSetAsideEvent("x6", { setAsideAt: T0 + 9 })] }));
    await store.queries.redrive(["x4", "x3"], T0);
    const second = await store.queries.listSetAside({}, { limit: 10, cursor: first.cursor ?? "" });

    assert.deepEqual(
      [...first.items, ...second.items].map(({ id }) => id),
      ["x5", "x4", "x2", "x1"],
    );
    assert.equal(second.cursor, undefined);
  }),

  storeCase("sends a set-aside event again under its id, and gives the ids that it found", async (store) => {
    await commitNow(store, aChange({ setAside: [aSetAsideEvent("x1"), aSetAsideEvent("x2")] }));

    const found = await store.queries.redrive(["x2", "nothing"], T0 + SECOND);

    assert.deepEqual(found, ["x2"]);
    assert.deepEqual(await takeEventIds(store, { now: T0 + SECOND }), ["event-of-x2"]);
    assert.deepEqual(await listSetAsideIds(store), ["x1"]);
    assert.equal((await store.queries.stats()).setAsideEvents, 1);
    assert.deepEqual(await store.queries.redrive(["x2"], T0 + SECOND), []);
  }),

  storeCase("queues a redriven event once when it is queued or was applied meanwhile", async (store) => {
    await commitNow(store, aChange({ setAside: [aSetAsideEvent("x1"), aSetAsideEvent("x2")] }));
    await store.enqueue([aQueuedEvent("event-of-x1")]);
    await commitNow(store, aPut({}, { appliedIds: ["event-of-x2"] }));

    await store.queries.redrive(["x1", "x2"], T0);

    assert.deepEqual(await takeEventIds(store), ["event-of-x1"]);
    assert.deepEqual(await listSetAsideIds(store), []);
  }),

  storeCase("takes the id of an event that was set aside as a new one", async (store) => {
    await commitNow(store, aChange({ setAside: [aSetAsideEvent("x1")] }));

    await store.enqueue([aQueuedEvent("event-of-x1")]);

    assert.deepEqual(await takeEventIds(store), ["event-of-x1"]);
  }),
];
