import { aChange, aPut, aQueuedEvent } from "@stackyard/core/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commitNow, HOUR, MINUTE, T0, take } from "./testing/store-work.ts";
import { startTestTables, type TestTables } from "./testing/test-tables.ts";

let tables: TestTables;
beforeAll(async () => {
  tables = await startTestTables();
});
afterAll(() => tables.stop());

const DAY = 24 * HOUR;
const keep = { historyMs: DAY, deadLetterMs: DAY, settledAttemptMs: DAY, eventIdMs: 14 * DAY, eventIdCount: 1000 };

/** A stack that has applied `e0` to `e299`, one after the other. */
async function openWithIds() {
  const store = await tables.open();
  for (let first = 0; first < 300; first += 60) {
    const appliedIds = Array.from({ length: 60 }, (_, index) => `e${first + index}`);
    await commitNow(store, aPut({}, { appliedIds, now: T0 + first }));
  }
  return store;
}

describe("event ids that have left their stack's item", () => {
  it("are known to commits and to the queue, after the end of the stack too", async () => {
    const store = await openWithIds();
    const known = async () => {
      const [loaded] = await store.load(["s1"]);
      const change = aChange({ expectedVersion: loaded?.version ?? 0, appliedIds: ["e0", "new", "e299"] });
      return store.commit([change]);
    };

    expect(await known()).toEqual([{ kind: "duplicate", eventIds: ["e0", "e299"] }]);
    await commitNow(store, aChange({ write: { kind: "remove" } }));
    expect(await known()).toEqual([{ kind: "duplicate", eventIds: ["e0", "e299"] }]);
    await store.enqueue([aQueuedEvent("e0"), aQueuedEvent("e299"), aQueuedEvent("e300")]);
    expect((await take(store, ["event"], T0 + MINUTE)).length).toBe(1);
  });

  it("are forgotten by age, but for the last ones", async () => {
    const store = await openWithIds();
    const isKnown = async (id: string) => {
      const [loaded] = await store.load(["s1"]);
      const [result] = await store.commit([
        aChange({ expectedVersion: loaded?.version ?? 0, appliedIds: ["e299", id] }),
      ]);
      return result?.kind === "duplicate" && result.eventIds.includes(id);
    };

    while (await store.prune(keep, T0 + 20 * DAY));
    expect(await isKnown("e0")).toBe(true);
    while (await store.prune({ ...keep, eventIdCount: 280 }, T0 + 22 * DAY));

    expect([await isKnown("e0"), await isKnown("e19"), await isKnown("e20")]).toEqual([false, false, true]);
  });
});
