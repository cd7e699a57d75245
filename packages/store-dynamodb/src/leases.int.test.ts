// @module-tag promise
import { createLeases } from "@stackyard/core/engine";
import { createFakeClock, leasesConformance } from "@stackyard/core/testing";
import { afterAll, beforeAll, describe, it } from "vitest";
import { startTestTables, type TestTables } from "./testing/test-tables.ts";

let tables: TestTables;
beforeAll(async () => {
  tables = await startTestTables();
});
afterAll(() => tables.stop());

describe("leases over the records of the DynamoDB store", () => {
  for (const { name, run } of leasesConformance) {
    it(name, () =>
      run(async () => {
        const clock = createFakeClock();
        const { records } = await tables.open();
        return { clock, leases: createLeases(records, { clock }) };
      }),
    );
  }
});
