import { createMemoryStore } from "@stackyard/core/engine";
import { type LifeMove, playMovedLife } from "@stackyard/core/testing";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestTables, type TestTables } from "./testing/test-tables.ts";

let tables: TestTables;
beforeAll(async () => {
  tables = await startTestTables();
});
afterAll(() => tables.stop());

const moves = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat()), { maxLength: 10 });

it("answers to old ids as before when a yard was moved to it", async () => {
  const play = async (before: readonly LifeMove[], after: readonly LifeMove[]) => {
    const to = await tables.open({ table: tables.newTable() });
    await playMovedLife({ before, after }, { from: createMemoryStore(), to }).finally(() => to.close());
  };

  await fc.assert(fc.asyncProperty(moves, moves, play), { numRuns: process.env["LONG_TESTS"] ? 30 : 3 });
});

it("cannot be moved itself, since it keeps hashes, and says so", async () => {
  const store = await tables.open({ table: tables.newTable() });

  const { unreadable } = await store.memory.list({ limit: 1 });

  expect(unreadable).toEqual([{ id: "event ids", reason: expect.stringContaining("as hashes") }]);
  await store.close();
});
