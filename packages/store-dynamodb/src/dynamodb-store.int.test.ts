import { UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import {
  type DurableStore,
  damagedListConformance,
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
