import { type DurableStore, durableStoreConformance, storeConformance } from "@stackyard/core/testing";
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
