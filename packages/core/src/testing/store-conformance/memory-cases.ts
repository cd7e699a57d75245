import assert from "node:assert/strict";
import type { Store } from "../../ports/store.ts";
import type { Remembered } from "../../ports/store-memory.ts";
import type { ConformanceCase } from "../conformance-case.ts";
import { aChange, aPut, aQueuedEvent, commitNow, DAY, storeCase, T0 } from "./store-builders.ts";

const ID = { kind: "event", stackId: "s1", at: T0, number: 1 } as const;
const RETENTION = { historyMs: DAY, eventIdMs: DAY, eventIdCount: 0, deadLetterMs: DAY, settledAttemptMs: DAY };

/** The cases about what a store remembers of removed rows. */
export const memoryCases: readonly ConformanceCase<Store>[] = [
  storeCase("remembers the events of a stack that is gone until they are pruned", async (store) => {
    await commitNow(store, aPut({}, { appliedIds: ["e1", "internal:e2"] }));
    await commitNow(store, aChange({ expectedVersion: 1, write: { kind: "remove" }, appliedIds: ["e3"] }));
    const entries: readonly Remembered[] = ["e1", "internal:e2", "e3", "e4"].map((key) => ({ ...ID, key }));

    const before = await store.memory.findMissing(entries);
    for (let days = 2; days < 9; days += 1) while (await store.prune(RETENTION, T0 + days * DAY));
    const after = await store.memory.findMissing(entries);

    assert.deepEqual(before, entries.slice(3));
    assert.ok(after.length >= 3, "A store may keep the last id of a stack that is gone.");
  }),

  storeCase("knows the events that were added, and continues the versions of stacks", async (store) => {
    const entries: readonly Remembered[] = [
      { kind: "stack", stackId: "s1", version: 7, events: 40, goneAt: T0 },
      ...Array.from({ length: 40 }, (_, index) => ({ ...ID, key: `e${index}`, number: index + 1 })),
    ];

    await store.memory.add(entries);
    await store.memory.add(entries);

    assert.deepEqual(await store.memory.findMissing(entries), []);
    assert.deepEqual(await store.enqueue([aQueuedEvent("e0"), aQueuedEvent("e39")]), [false, false]);
    const [again] = await store.commit([aPut({}, { appliedIds: ["e7"] })]);
    assert.deepEqual(again, { kind: "duplicate", eventIds: ["e7"] });
    const [created] = await store.commit([aPut({}, { appliedIds: ["new"] })]);
    assert.deepEqual(created, { kind: "committed", version: 8 });
  }),
];
