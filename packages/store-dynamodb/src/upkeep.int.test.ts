import { aChange, aDispatch, aHistoryEntry, aPut, aQueuedEvent } from "@stackyard/core/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { aServiceError, interceptClient } from "./testing/failing-client.ts";
import { commitNow, grantNow, HOUR, MINUTE, T0, take } from "./testing/store-work.ts";
import { startTestTables, type TestTables } from "./testing/test-tables.ts";

let tables: TestTables;
beforeAll(async () => {
  tables = await startTestTables();
});
afterAll(() => tables.stop());

const DAY = 24 * HOUR;
const keep = { historyMs: DAY, deadLetterMs: DAY, settledAttemptMs: DAY, eventIdMs: DAY, eventIdCount: 1000 };

describe("revisions", () => {
  it("may be larger than an item", async () => {
    const store = await tables.open();
    const numbers = Array.from({ length: 150_000 }, (_, index) => (index * 7919 * index) % 99_999_989);
    const revision = { name: "web", hash: "h1", source: `# ${numbers.join(" ")}` };

    await store.revisions.put(revision, T0);

    expect(await store.revisions.get("h1")).toEqual({ ...revision, firstSeenAt: T0 });
  });
});

describe("prune", () => {
  it("continues until no old item is left, with a bounded number of items per call", async () => {
    const store = await tables.open();
    const lines = Array.from({ length: 2 }, (_, index) => aHistoryEntry(`e${index}`));
    await Promise.all(
      Array.from({ length: 210 }, (_, index) => {
        return store.commit([aChange({ stackId: `s${index}`, history: lines, now: T0 })]);
      }),
    );

    const answers = [await store.prune(keep, T0 + 2 * DAY), await store.prune(keep, T0 + 2 * DAY)];

    expect(answers).toEqual([true, false]);
    expect((await store.queries.listHistory({}, { limit: 9 })).items).toEqual([]);
    expect((await store.queries.listHistory({ eventId: "e0" }, { limit: 9 })).items).toEqual([]);
  });

  it("removes records that are over, and none that was written again", async () => {
    const store = await tables.open();
    await store.records.put({ key: "over", value: 1, expected: "absent", expiresAt: T0 + 1, now: T0 });
    await store.records.put({ key: "again", value: 1, expected: "absent", expiresAt: T0 + 1, now: T0 });
    await store.records.put({ key: "again", value: 2, expected: "absent", now: T0 + 1 });

    await store.prune(keep, T0 + 1);

    expect(await store.records.get("over", T0)).toBeUndefined();
    expect((await store.records.get("again", T0 + 1))?.value).toBe(2);
  });
});

describe("attempts that a clock that was ahead has begun", () => {
  it("have their line when the process that corrects them with other work ends at once", async () => {
    const table = tables.newTable();
    const [first, second] = await Promise.all([tables.open({ table }), tables.open({ table })]);
    await commitNow(first, aPut({}, { dispatches: [aDispatch("wrong"), aDispatch("other")] }));
    const wrong = await grantNow(first, "wrong", [], T0 + 30 * DAY);
    await first.suspend(wrong, { progress: {}, dueAt: T0 + 31 * DAY, now: T0 + 30 * DAY });
    await grantNow(first, "other");

    await take(first, ["lapsedLease"], T0 + MINUTE);
    await first.close();

    const { items } = await second.queries.listHistory({}, { limit: 9 });
    expect(await second.correctAttempts(T0 + MINUTE)).toEqual([]);
    expect(items).toMatchObject([
      { stackId: "s1", code: "CLOCK_CORRECTED", notes: [expect.stringContaining("wrong")] },
    ]);
  });
});

describe("what follows from a commit and fails again and again", () => {
  it("is tried once a minute, and does not block other work", async () => {
    let isFailing = false;
    const client = interceptClient(tables.client, ({ name }, call) => {
      const isHistory = name === "UpdateItem";
      return isFailing && isHistory ? Promise.reject(aServiceError("ThrottlingException")) : call();
    });
    const store = await tables.open({ client });
    await commitNow(store, aPut({ id: "other", timers: [{ id: "t", event: "TICK", dueAt: T0 + 2 * MINUTE }] }));
    isFailing = true;
    await commitNow(store, aPut({}, { history: [aHistoryEntry("e1")] }));

    await take(store, ["timer"], T0 + MINUTE);
    const next = await store.nextDueAt(["timer"]);
    const due = await take(store, ["timer"], T0 + 2 * MINUTE);
    isFailing = false;
    await take(store, ["timer"], T0 + 4 * MINUTE);

    expect(next).toBe(T0 + 2 * MINUTE);
    expect(due).toEqual([{ kind: "timer", stackId: "other", dueAt: T0 + 2 * MINUTE }]);
    expect((await store.queries.listHistory({}, { limit: 9 })).items.length).toBe(1);
  });

  it("is tried once a minute at the end of an attempt too", async () => {
    let isFailing = false;
    const client = interceptClient(tables.client, ({ input }, call) => {
      const isOther = JSON.stringify(input).includes("run-1");
      return isFailing && isOther ? Promise.reject(aServiceError("ThrottlingException")) : call();
    });
    const store = await tables.open({ client });
    await commitNow(store, aPut({}, { dispatches: [aDispatch("a1")] }));
    const grant = await grantNow(store, "a1");
    isFailing = true;
    const event = aQueuedEvent("r1", { origin: "worker" });

    const followUps = [{ event: aQueuedEvent("f1", { stackId: "run-1" }), notBefore: T0 + MINUTE }];

    expect(await store.settle(grant, { outcome: "succeeded", event, followUps, now: T0 })).toBe("settled");
    await take(store, ["deadline"], T0 + MINUTE);
    expect(await store.nextDueAt(["deadline"])).toBe(T0 + 2 * MINUTE);
    isFailing = false;
    await take(store, ["deadline"], T0 + 2 * MINUTE);

    const due = await take(store, ["event"], T0 + 2 * MINUTE);
    expect(due.map((item) => item.kind === "event" && item.event.id)).toEqual(["r1", "f1"]);
    expect(await store.nextDueAt(["deadline"])).toBeUndefined();
  });
});
