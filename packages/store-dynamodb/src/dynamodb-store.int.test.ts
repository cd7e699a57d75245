import { type DurableStore, durableStoreConformance, storeConformance } from "@stackyard/core/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { interceptClient } from "./testing/failing-client.ts";
import { listGranted } from "./testing/readme-policy.ts";
import { startTestTables, type TestTables } from "./testing/test-tables.ts";

let tables: TestTables;
beforeAll(async () => {
  tables = await startTestTables();
});
afterAll(() => tables.stop());

/** Every call so far, as a policy would name it: `dynamodb:Query STACKS/index/*`. */
const calls = new Set<string>();

function open() {
  const client = interceptClient(tables.client, ({ name, input }, call) => {
    const table = String(input["TableName"]).endsWith("-work") ? "STACKS-work" : "STACKS";
    calls.add(`dynamodb:${name} ${table}${input["IndexName"] === undefined ? "" : "/index/*"}`);
    return call();
  });
  return tables.open({ client });
}

/** After a kill of the process there is what the tables hold. */
async function createDurableStore(): Promise<DurableStore> {
  const table = tables.newTable();
  return { open: () => tables.open({ table }), crash: async () => undefined };
}

describe("the DynamoDB store", () => {
  for (const { name, run } of storeConformance) it(name, () => run(open));
});

describe("the statement in the README", () => {
  it("grants every call that was made, and no other", () => {
    const { always, toMakeTables } = listGranted();

    expect([...calls].toSorted()).toEqual([...always, ...toMakeTables].toSorted());
    expect(toMakeTables).toEqual(["dynamodb:CreateTable STACKS", "dynamodb:CreateTable STACKS-work"]);
  });
});

describe("the DynamoDB store after a crash", () => {
  for (const { name, run } of durableStoreConformance) it(name, () => run(createDurableStore));
});
