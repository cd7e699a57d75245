import { runSeed } from "@stackyard/core/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestTables, type TestTables } from "./testing/test-tables.ts";

let tables: TestTables;
beforeAll(async () => {
  tables = await startTestTables();
});
afterAll(() => tables.stop());

it.each([1])(
  "holds what the simulator holds it to (seed %i)",
  async (seed) => {
    const store = await tables.open();

    const { violations, steps } = await runSeed(seed, { createStore: () => store });
    await store.close();

    expect(violations).toEqual([]);
    expect(steps).toBeGreaterThan(20);
  },
  300_000,
);
