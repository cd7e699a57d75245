// @module-tag adapter
import { CreateTableCommand, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { recordsConformance } from "@stackyard/core/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDynamodbRecords } from "./records.ts";
import { startTestTables, type TestTables, untilActive } from "./testing/test-tables.ts";

let tables: TestTables;
beforeAll(async () => {
  tables = await startTestTables();
});
afterAll(() => tables.stop());

/** A table with a key and nothing else. */
async function createBareTable() {
  const table = tables.newTable();
  await tables.client.send(
    new CreateTableCommand({
      TableName: table,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: ["pk", "sk"].map((AttributeName) => ({ AttributeName, AttributeType: "S" })),
      KeySchema: [
        { AttributeName: "pk", KeyType: "HASH" },
        { AttributeName: "sk", KeyType: "RANGE" },
      ],
    }),
  );
  await untilActive(tables.client, table);
  return { table, records: createDynamodbRecords({ client: tables.client, table }) };
}

describe("records in a table of their own", () => {
  for (const { name, run } of recordsConformance) {
    it(name, () => run(async () => (await createBareTable()).records));
  }

  it("say in seconds when they expire, so that the table can delete them", async () => {
    const { table, records } = await createBareTable();
    const base = { value: 1, expected: "absent", now: 0 } as const;
    await records.put({ ...base, key: "a", expiresAt: 1_500 });
    await records.put({ ...base, key: "b" });

    const ttls = ["a", "b"].map(async (sk) => {
      const Key = { pk: { S: "record" }, sk: { S: sk } };
      return (await tables.client.send(new GetItemCommand({ TableName: table, Key }))).Item?.["ttl"];
    });

    expect(await Promise.all(ttls)).toEqual([{ N: "2" }, undefined]);
  });

  it.each([
    ["no JSON", { value: { M: { json: { S: '{"text":"{"}' } } } }],
    ["no packed value", { value: { M: { json: { S: "{" } } } }],
    ["no value", {}],
  ])("that contain %s are reported by key, with the others", async (_, attributes) => {
    const { table, records } = await createBareTable();
    const Item = { pk: { S: "record" }, sk: { S: "b" }, version: { N: "1" }, ...attributes };
    await tables.client.send(new PutItemCommand({ TableName: table, Item }));
    await records.put({ key: "c", value: 1, expected: "absent", now: 0 });

    const { items, unreadable } = await records.list("", { limit: 9, now: 0 });

    expect(items.map(({ key }) => key)).toEqual(["c"]);
    const reason = expect.stringContaining('The record "b" cannot be read: it is not JSON.');
    expect(unreadable).toEqual([{ id: "b", reason }]);
    await expect(records.get("b", 0)).rejects.toMatchObject({ code: "STORE_CORRUPT", message: reason });
  });
});
