import { defined } from "@stackyard/core";
import { aHistoryEntry, aPut, createFakeClock } from "@stackyard/core/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DynamodbStore } from "./create-store.ts";
import { interceptClient } from "./testing/failing-client.ts";
import { commitNow } from "./testing/store-work.ts";
import { startTestTables, type TestTables } from "./testing/test-tables.ts";

let tables: TestTables;
beforeAll(async () => {
  tables = await startTestTables();
});
afterAll(() => tables.stop());

async function listIds(
  store: DynamodbStore,
  filter: { newestFirst?: boolean; stackId?: string } = {},
  cursor?: string,
) {
  const { items } = await store.queries.listHistory(filter, {
    limit: 100,
    ...defined({ cursor }),
  });
  return items.map(({ eventId }) => eventId);
}

const write = (store: DynamodbStore, id: string, events: readonly string[]) =>
  commitNow(store, aPut({ id }, { history: events.map((event) => aHistoryEntry(event, { stackId: id })) }));

/** Two processes. The second one pauses between reserving its positions and writing its lines until it is released. */
async function openWithSlowOne() {
  const table = tables.newTable();
  const clock = createFakeClock();
  const fast = await tables.open({ table, clock });
  let letGo: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let stopped: () => void = () => undefined;
  const isStopped = new Promise<void>((resolve) => {
    stopped = resolve;
  });
  const client = interceptClient(tables.client, async ({ name, input }, call) => {
    if (name === "PutItem" && JSON.stringify(input["Item"]).includes("history#")) {
      stopped();
      await gate;
    }
    return call();
  });
  return { fast, slow: await tables.open({ table, clock, client }), clock, letGo, isStopped };
}

describe("a gap in the positions of the history", () => {
  it("holds later lines back while it may be filled, so that a reader passes none", async () => {
    const { fast, slow, letGo, isStopped } = await openWithSlowOne();
    await write(fast, "a", ["e1"]);
    const slowly = write(slow, "b", ["e2", "e3"]);
    await isStopped;
    await write(fast, "c", ["e4"]);

    expect(await listIds(fast)).toEqual(["e1"]);
    expect(await listIds(fast, { newestFirst: true })).toEqual(["e1"]);
    expect(await listIds(fast, {}, "1")).toEqual([]);
    expect(await listIds(fast, { stackId: "c" })).toEqual(["e4"]);

    letGo();
    await slowly;
    expect(await listIds(fast)).toEqual(["e1", "e2", "e3", "e4"]);
    expect(await listIds(fast, { newestFirst: true })).toEqual(["e4", "e3", "e2", "e1"]);
    expect(await listIds(fast, {}, "2")).toEqual(["e3", "e4"]);
  });

  it("is skipped when the process that reserved the positions does not return", async () => {
    const { fast, slow, clock, letGo, isStopped } = await openWithSlowOne();
    const slowly = write(slow, "b", ["e1"]);
    await isStopped;
    await write(fast, "a", ["e2"]);

    expect(await listIds(fast, {}, "0")).toEqual([]);
    await clock.advance(10_000);
    expect(await listIds(fast, {}, "0")).toEqual(["e2"]);
    expect(await listIds(fast, { newestFirst: true })).toEqual(["e2"]);

    letGo();
    await slowly;
  });
});
