import { ScanCommand } from "@aws-sdk/client-dynamodb";
import { aQueuedEvent } from "@stackyard/core/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DynamodbStore } from "./create-store.ts";
import { MINUTE, T0 } from "./testing/store-work.ts";
import { startTestTables, type TestTables } from "./testing/test-tables.ts";

let tables: TestTables;
beforeAll(async () => {
  tables = await startTestTables();
});
afterAll(() => tables.stop());

/** Numbers that cannot be packed. */
const noise = Array.from({ length: 30_000 }, (_, index) => (index * 7919) % 99_991);

async function listKeys({ tables: { work } }: DynamodbStore): Promise<readonly string[]> {
  const { Items = [] } = await tables.client.send(new ScanCommand({ TableName: work }));
  return Items.map(({ pk, sk }) => `${pk?.S} ${sk?.S}`);
}

async function takeAll(store: DynamodbStore, now = T0) {
  const items = await store.takeDue({ kinds: ["event"], now, limit: 1000, leaseMs: MINUTE });
  return items.flatMap((item) => (item.kind === "event" ? [item] : []));
}

describe("the queue of a stack", () => {
  it("holds events together that would not fit into one item", async () => {
    const store = await tables.open();
    const events = ["e1", "e2", "e3", "e4", "e5"].map((id) => aQueuedEvent(id, { message: { id, noise } }));
    await store.enqueue(events);

    const taken = await takeAll(store);

    expect(taken.map(({ event }) => event)).toEqual(events);
    await store.release(taken.map(({ receipt }) => receipt));
    expect(await listKeys(store)).toEqual([]);
  });

  it("leaves nothing behind of a large event that is queued already", async () => {
    const store = await tables.open();
    const event = aQueuedEvent("e1", { message: { noise } });

    await store.enqueue([event]);
    await store.enqueue([event, event]);

    expect((await listKeys(store)).length).toBe(2);
    expect((await takeAll(store)).length).toBe(1);
  });

  it("holds hundreds of small events, in order", async () => {
    const store = await tables.open();
    const ids = Array.from({ length: 150 }, (_, index) => `e${index}`);
    await store.enqueue(ids.slice(0, 90).map((id) => aQueuedEvent(id)));
    await store.enqueue(ids.slice(90).map((id) => aQueuedEvent(id)));

    const taken = await takeAll(store);

    expect(taken.map(({ event }) => event.id)).toEqual(ids);
    expect((await store.queries.stats()).queuedEvents).toBe(150);
    await store.release(taken.map(({ receipt }) => receipt));
    expect(await listKeys(store)).toEqual([]);
  });

  it("refuses more than 1,500, and takes none of them", async () => {
    const store = await tables.open();
    const events = Array.from({ length: 1501 }, (_, index) => aQueuedEvent(`e${index}`));

    await expect(store.enqueue(events)).rejects.toMatchObject({ code: "RATE_LIMITED", retryable: true });

    expect((await store.queries.stats()).queuedEvents).toBe(0);
  });

  it("refuses an event that is larger than an item", async () => {
    const store = await tables.open();
    const huge = Array.from({ length: 120_000 }, (_, index) => (index * 7919 * index) % 99_999_989);

    await expect(store.enqueue([aQueuedEvent("e1", { message: { huge } })])).rejects.toMatchObject({
      code: "PAYLOAD_TOO_LARGE",
    });
  });
});
