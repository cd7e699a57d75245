import assert from "node:assert/strict";
import { toEventKey } from "../../machine/event-message.ts";
import { toParkedHead } from "../../ports/parked-head.ts";
import type { Store } from "../../ports/store.ts";
import type { ConformanceCase } from "../conformance-case.ts";
import { loadParked } from "./load-parked.ts";
import {
  aChange,
  aParkedEvent,
  aPut,
  aQueuedEvent,
  commitNow,
  commitOnPresent,
  loadOne,
  MINUTE,
  storeCase,
  T0,
} from "./store-builders.ts";

/** Messages may be large, so a stack is loaded with the heads of its parked events. */
export const parkedMessageCases: readonly ConformanceCase<Store>[] = [
  storeCase("loads a stack without the messages of its parked events, and each message on demand", async (store) => {
    const park = ["p1", "p2"].map((id) => aLarge(id));
    await commitNow(store, aPut({}, { park }));

    const { parked } = await loadOne(store);
    const [second, ...others] = await store.loadParked("s1", ["p2", "unknown"]);

    assert.deepEqual(parked, park.map(toParkedHead));
    assert.ok(JSON.stringify(parked).length < 2_000);
    assert.deepEqual([second, others], [park[1], []]);
    assert.deepEqual(await store.loadParked("unknown", ["p2"]), []);
  }),

  storeCase("keeps the message of a parked event over its tries", async (store) => {
    const parked = aLarge("p1");
    await commitNow(store, aPut({}, { park: [parked] }));
    const again = { ...parked, reason: "Still not.", tries: 2, nextTryAt: T0 + 5 * MINUTE };
    const event = { ...parked.event, machine: "app", incarnation: "e0" };

    await commitNow(store, aChange({ retried: [toParkedHead({ ...again, event })] }));
    await commitNow(store, aChange({ retried: [toParkedHead({ ...again, event, tries: 3 })] }));

    assert.deepEqual(await loadParked(store), [{ ...again, event, tries: 3 }]);
    assert.equal((await store.queries.stats()).parkedEvents, 1);
    await commitNow(
      store,
      aChange({ park: [{ ...again, event: { ...event, message: { event: "PUSHED", masked: true } } }] }),
    );
    assert.deepEqual((await loadParked(store))[0]?.event.message, { event: "PUSHED", masked: true });
  }),

  storeCase("begins the time of a parked event again", async (store) => {
    const parked = aLarge("p1");
    await commitNow(store, aPut({}, { park: [parked] }));
    const renewed = { ...parked, parkedAt: T0 + 50 * MINUTE, nextTryAt: T0 + 51 * MINUTE };

    await commitNow(store, aChange({ retried: [toParkedHead(renewed)] }));

    assert.deepEqual(await loadParked(store), [renewed]);
  }),

  storeCase("does not park an event again that is no longer parked when its try is written", async (store) => {
    const parked = aLarge("p1");
    await commitNow(store, aPut({}, { park: [parked] }));
    await commitNow(store, aChange({ unpark: ["p1"] }));

    await commitNow(store, aChange({ retried: [toParkedHead({ ...parked, tries: 2 })] }));

    assert.deepEqual((await loadOne(store)).parked, []);
    assert.deepEqual(await store.loadParked("s1", ["p1"]), []);
    assert.equal((await store.queries.stats()).parkedEvents, 0);
  }),

  storeCase("refuses another try of an event that was applied meanwhile", async (store) => {
    const parked = aLarge("p1");
    await commitNow(store, aPut({}, { park: [parked] }));
    const key = toEventKey(parked.event);
    await commitNow(store, aChange({ appliedIds: [key], unpark: [key] }));

    const result = await commitOnPresent(store, aChange({ retried: [toParkedHead(parked)] }));

    assert.deepEqual(result, { kind: "duplicate", eventIds: [key] });
  }),
];

function aLarge(id: string) {
  const message = { id, stackId: "s1", event: "PUSHED", metadata: { text: "x".repeat(50_000) } };
  return aParkedEvent(id, { event: aQueuedEvent(id, { message }), order: 1, mark: "m1" });
}
