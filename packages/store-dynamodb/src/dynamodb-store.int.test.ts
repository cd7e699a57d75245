import { type DurableStore, durableStoreConformance, storeConformance } from "@stackyard/core/testing";
import { afterAll, beforeAll, describe, it } from "vitest";
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
  for (const { name, run } of storeConformance) it(name, () => run(() => tables.open()));
});

describe("the DynamoDB store after a crash", () => {
  for (const { name, run } of durableStoreConformance) it(name, () => run(createDurableStore));
});
