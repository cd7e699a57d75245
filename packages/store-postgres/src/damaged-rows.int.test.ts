import { aPut, aQueuedEvent, damagedListConformance } from "@stackyard/core/testing";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { PostgresStore } from "./create-postgres-store.ts";
import { startTestServer, type TestServer } from "./testing/test-server.ts";

const NOW = Date.UTC(2026, 0, 1);

let server: TestServer;
let store: PostgresStore;
beforeAll(async () => {
  server = await startTestServer();
});
beforeEach(async () => {
  store = await server.open();
  for (const id of ["a", "b", "c"]) {
    const line = {
      stackId: id,
      at: NOW,
      eventId: `e-${id}`,
      event: "E",
      outcome: "applied",
      sent: [],
      notes: [],
    } as const;
    const deadLetter = { id, event: aQueuedEvent(`s-${id}`), code: "EVENT_INVALID", reason: "…", deadLetteredAt: NOW };
    await store.commit([aPut({ id }, { history: [line], deadLetters: [deadLetter] })]);
    await store.records.put({ key: id, value: { id }, expected: "absent", now: NOW });
  }
});
afterEach(() => store.close());
afterAll(() => server.stop());

describe("a damaged row", () => {
  it.each([
    ["no JSON", "{", "It is not JSON"],
    ["no stack", "[]", "must be object"],
    [
      "a stack without tasks",
      '{"id":"b","_state":"UP","incarnation":"e","runs":[]}',
      '"machine" is not of type string',
    ],
  ])("of a stack that holds %s is reported in lists, with the other stacks", async (_, data, reason) => {
    await server.sql(`update ${store.schema}.stacks set data = '${data}' where id = 'b'`);

    const { items, unreadable } = await store.queries.listStacks({}, { limit: 10 });

    expect(items.map(({ stack }) => stack.id)).toEqual(["a", "c"]);
    expect(unreadable).toEqual([{ id: "b", reason: expect.stringContaining(reason) }]);
    await expect(store.load(["b"])).rejects.toMatchObject({ code: "STORE_CORRUPT", details: { stackId: "b" } });
  });

  it("of the history, of a dead letter and of a record is reported with the others", async () => {
    await server.sql(`update ${store.schema}.history set body = '7' where stack_id = 'b'`);
    await server.sql(`update ${store.schema}.dead_letter set body = '{}' where id = 'b'`);
    await server.sql(`update ${store.schema}.record set value = '{' where key = 'b'`);

    const history = await store.queries.listHistory({}, { limit: 10 });
    const deadLetter = await store.queries.listDeadLetters({}, { limit: 10 });
    const records = await store.records.list("", { limit: 10, now: NOW });

    expect(history.items.map(({ stackId }) => stackId)).toEqual(["a", "c"]);
    expect(history.unreadable).toMatchObject([{ reason: expect.stringContaining("of the history") }]);
    expect(deadLetter.items.map(({ id }) => id)).toEqual(["c", "a"]);
    expect(deadLetter.unreadable).toMatchObject([{ id: "b" }]);
    expect(records.items.map(({ key }) => key)).toEqual(["a", "c"]);
    expect(records.unreadable).toMatchObject([{ id: "b" }]);
  });
});

describe("lists over damaged rows", () => {
  for (const { name, run } of damagedListConformance) {
    it(name, () =>
      run(async () => {
        const own = await server.open();
        const damage = (id: string) => server.sql(`update ${own.schema}.stacks set data = '{' where id = '${id}'`);
        return {
          store: own,
          async damage(id) {
            await damage(id);
          },
        };
      }),
    );
  }
});
