import { storeConformance } from "@stackyard/core/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createDynamodbStore } from "./create-store.ts";
import { listGranted, recordCalls } from "./testing/readme-policy.ts";
import { startTestTables, type TestTables } from "./testing/test-tables.ts";

let tables: TestTables;
beforeAll(async () => {
  tables = await startTestTables();
});
afterAll(() => tables.stop());

it("grants in the README nothing that is not called", async () => {
  const { client, calls } = recordCalls(tables.client);
  const cases = storeConformance.filter(({ name }) =>
    /counts what it holds|removes a stack|due timer|history of one stack|was acknowledged/.test(name),
  );

  // The stores make their tables themselves.
  for (const { run } of cases) {
    await run(() => createDynamodbStore({ table: tables.newTable(), client, createTables: true }));
  }

  const { always, toMakeTables } = listGranted();
  expect([...calls].toSorted()).toEqual([...always, ...toMakeTables].toSorted());
  expect(toMakeTables).toEqual(["dynamodb:CreateTable STACKS", "dynamodb:CreateTable STACKS-work"]);
});
