import { type DurableStore, playStoreModel, type StoreMove } from "@stackyard/core/testing";
import fc from "fast-check";
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

const moves: fc.Arbitrary<readonly StoreMove[]> = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat()), {
  minLength: 30,
  maxLength: 60,
});

describe("the DynamoDB store compared with the model", () => {
  it("answers and shows the same after every move", async () => {
    await fc.assert(
      fc.asyncProperty(moves, (list) => playStoreModel(list, createDurableStore)),
      // A failure is shown before the test ends, with the smallest list of moves that was found by then.
      { numRuns: process.env["LONG_TESTS"] ? 12 : 1, interruptAfterTimeLimit: 120_000 },
    );
  }, 240_000);
});
