import assert from "node:assert/strict";
import type { QueuedEvent } from "../../ports/stack-store.ts";
import type { Store } from "../../ports/store.ts";
import type { ConformanceCase } from "../conformance-case.ts";
import { aQueuedEvent, expectKind, HOUR, T0, take, takeReceipts } from "./store-builders.ts";

/** A store, and a way to replace the document of a stack's queued event by any text. */
export interface DamageableQueue {
  readonly store: Store;
  damageEvent(stackId: string, text: string): Promise<void>;
}

/** Texts of rows that are not events. */
const DAMAGED: readonly string[] = [
  "",
  "{",
  "null",
  "7",
  '"text"',
  "[]",
  "{}",
  '{"id":"e","stackId":"s","origin":"external","message":null,"receivedAt":1}',
  '{"id":7,"stackId":"s","origin":"external","message":{},"receivedAt":1}',
  '{"id":"e","stackId":"s","origin":"engine","message":{},"receivedAt":1}',
];

// Large and hard to compress, so that a store that keeps small events with their stacks gives it a row of its own.
const PADDING = Array.from({ length: 1_000 }, (_, index) => ((index * 7_919 * (index + 13)) % 99_999_989).toString(36));

/** Returns an event that every store keeps in a row of its own. */
function aLargeEvent(id: string, stackId: string): QueuedEvent {
  return aQueuedEvent(id, { stackId, message: { event: "PUSH", stackId, metadata: { padding: PADDING.join("") } } });
}

function damagedCase(name: string, test: (port: DamageableQueue) => Promise<void>): ConformanceCase<DamageableQueue> {
  return {
    name,
    async run(create) {
      const port = await create();
      try {
        await test(port);
      } finally {
        await port.store.close();
      }
    },
  };
}

/** The promises of the queue of events about damaged rows. */
export const damagedQueueConformance: readonly ConformanceCase<DamageableQueue>[] = [
  damagedCase("delivers every event behind damaged rows, and each damaged row with the reason", async (port) => {
    const { store } = port;
    const ids = DAMAGED.map((_, index) => `odd-${index}`);
    for (const id of ids) await store.enqueue([aLargeEvent(`e-${id}`, id)]);
    await store.enqueue([aQueuedEvent("e1"), aQueuedEvent("other", { stackId: "s2" })]);
    for (const [index, text] of DAMAGED.entries()) await port.damageEvent(`odd-${index}`, text);

    const items = (await take(store, ["event"], { limit: 100 })).map((item) => expectKind(item, "event"));

    const facts = items.map(({ event }) => [event.stackId, event.origin, typeof event.message["unreadable"]]);
    const odd = ids.map((id) => [id, "external", "string"]);
    assert.deepEqual(facts, [...odd, ["s1", "external", "undefined"], ["s2", "external", "undefined"]]);
    assert.ok(items.every(({ event }) => event.id !== "" && event.receivedAt > 0));
  }),

  damagedCase("removes a damaged row by its receipt, and then delivers the next event of its stack", async (port) => {
    const { store } = port;
    await store.enqueue([aLargeEvent("e1", "s")]);
    await port.damageEvent("s", "{");
    await store.enqueue([aQueuedEvent("e2", { stackId: "s" })]);
    const receipts = await takeReceipts(store, ["event"], { limit: 1 });

    await store.release(receipts);

    const [item] = await take(store, ["event"], { now: T0 + HOUR });
    assert.equal(expectKind(item, "event").event.id, "e2");
    assert.equal((await store.queries.stats()).queuedEvents, 1);
  }),
];
