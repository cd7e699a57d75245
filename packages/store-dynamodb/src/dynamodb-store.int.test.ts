// @module-tag promise
import { randomBytes } from "node:crypto";
import { DeleteItemCommand, QueryCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import {
  aQueuedEvent,
  type DurableStore,
  damagedListConformance,
  damagedQueueConformance,
  durableStoreConformance,
  storeConformance,
} from "@stackyard/core/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listGranted, recordCalls } from "./testing/readme-policy.ts";
import { startTestTables, type TestTables } from "./testing/test-tables.ts";

let tables: TestTables;
beforeAll(async () => {
  tables = await startTestTables();
});
afterAll(() => tables.stop());

/** After a kill of the process there is what the tables hold. */
async function createDurableStore(): Promise<DurableStore> {
  const table = tables.newTable();
  return { open: () => tables.open({ table }), crash: async () => undefined };
}

describe("the DynamoDB store", () => {
  const { always, toMakeTables } = listGranted();
  const granted = [...always, ...toMakeTables];

  for (const { name, run } of storeConformance) {
    it(name, async () => {
      const { client, calls } = recordCalls(tables.client);

      await run(() => tables.open({ client }));

      // By the policy in the README, call by call.
      expect(granted).toEqual(expect.arrayContaining([...calls]));
    });
  }
});

describe("the DynamoDB store after a crash", () => {
  for (const { name, run } of durableStoreConformance) it(name, () => run(createDurableStore));
});

describe("lists of the DynamoDB store over damaged items", () => {
  for (const { name, run } of damagedListConformance) {
    it(name, () =>
      run(async () => {
        const table = tables.newTable();
        return {
          store: await tables.open({ table }),
          async damage(id) {
            const update = {
              TableName: table,
              Key: { id: { S: id } },
              UpdateExpression: "SET stackyard = :damaged",
              ExpressionAttributeValues: { ":damaged": { B: new Uint8Array([7]) } },
            };
            await tables.client.send(new UpdateItemCommand(update));
          },
        };
      }),
    );
  }
});

describe("the queue of the DynamoDB store over damaged items", () => {
  for (const { name, run } of damagedQueueConformance) {
    it(name, () =>
      run(async () => {
        const store = await tables.open();
        return { store, damageEvent: (id, text) => damageEvents(store.tables.work, id, text) };
      }),
    );
  }

  it("delivers an event whose item is gone as unreadable", async () => {
    const store = await tables.open();
    const message = { event: "PUSH", stackId: "s1", metadata: { bytes: randomBytes(3_000).toString("base64") } };
    await store.enqueue([aQueuedEvent("e1", { message })]);
    const [key] = await findEventKeys(store.tables.work, "s1");
    await tables.client.send(new DeleteItemCommand({ TableName: store.tables.work, Key: key }));

    const items = await store.takeDue({ kinds: ["event"], now: Date.now(), limit: 5, leaseMs: 1_000 });

    expect(items).toMatchObject([
      {
        kind: "event",
        event: { id: "e1", stackId: "s1", message: { unreadable: expect.stringContaining("cannot be read") } },
      },
    ]);
    await store.close();
  });
});

async function findEventKeys(table: string, stackId: string) {
  const { Items = [] } = await tables.client.send(
    new QueryCommand({
      TableName: table,
      KeyConditionExpression: "pk = :pk and begins_with(sk, :sk)",
      ExpressionAttributeValues: { ":pk": { S: `stack#${stackId}` }, ":sk": { S: "event#" } },
    }),
  );
  return Items.flatMap(({ pk, sk }) => (pk === undefined || sk === undefined ? [] : [{ pk, sk }]));
}

async function damageEvents(table: string, stackId: string, text: string): Promise<void> {
  const keys = await findEventKeys(table, stackId);
  expect(keys).toHaveLength(1);
  for (const key of keys) {
    const update = {
      UpdateExpression: "SET event = :text",
      ExpressionAttributeValues: { ":text": { M: { json: { S: text } } } },
    };
    await tables.client.send(new UpdateItemCommand({ TableName: table, Key: key, ...update }));
  }
}
