import { CreateTableCommand } from "@aws-sdk/client-dynamodb";
import { aPut } from "@stackyard/core/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDynamodbStore } from "./create-store.ts";
import { toStacksTable, toWorkTable } from "./tables.ts";
import { aServiceError, interceptClient } from "./testing/failing-client.ts";
import { commitNow } from "./testing/store-work.ts";
import { startTestTables, type TestTables } from "./testing/test-tables.ts";

let tables: TestTables;
beforeAll(async () => {
  tables = await startTestTables();
});
afterAll(() => tables.stop());

describe("opening a store", () => {
  it("names every absent table, and the template that makes them", async () => {
    const table = tables.newTable();

    const opening = createDynamodbStore({ table, client: tables.client });

    await expect(opening).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    await expect(opening).rejects.toThrow(`Table "${table}" does not exist`);
    await expect(opening).rejects.toThrow(`Table "${table}-work" does not exist`);
    await expect(opening).rejects.toThrow(/CloudFormation template/);
  });

  it("makes absent tables where that is allowed, also when two do it at once", async () => {
    const table = tables.newTable();
    const workTable = `${table}-other`;

    const [store, other] = await Promise.all([tables.open({ table, workTable }), tables.open({ table, workTable })]);

    await commitNow(store, aPut());
    expect((await other.load(["s1"]))[0]?.stack?.state).toBe("UP");
    expect(store.tables).toEqual({ stacks: table, work: workTable });
    expect(store.capabilities.findsDueByIndex).toBe(true);
  });

  it("makes the table of work alone where only that is allowed", async () => {
    const table = tables.newTable();
    const opening = () => createDynamodbStore({ table, client: tables.client, createTables: "work" });
    await expect(opening()).rejects.toThrow(`Table "${table}" does not exist`);
    await tables.client.send(new CreateTableCommand(toStacksTable(table)));

    const store = await opening();

    await commitNow(store, aPut());
    expect((await store.load(["s1"]))[0]?.stack?.state).toBe("UP");
  });

  it.each([[true], ["work"]] as const)("waits for a table that another process makes (%s)", async (createTables) => {
    const table = tables.newTable();
    await tables.open({ table });
    let asked = 0;
    const client = interceptClient(tables.client, async ({ name }, call) => {
      const answer = await call();
      if (name !== "DescribeTable") return answer;
      asked += 1;
      // The first look at both tables comes too early.
      const { Table } = Object(answer);
      return asked > 2 ? answer : { Table: { ...Table, TableStatus: "CREATING", GlobalSecondaryIndexes: [] } };
    });

    const store = await createDynamodbStore({ table, client, createTables });

    expect(store.capabilities.findsDueByIndex).toBe(true);
  });

  it("does not wait for tables that it may not make", async () => {
    const table = tables.newTable();
    await tables.open({ table });
    const client = interceptClient(tables.client, async ({ name }, call) => {
      const answer = await call();
      const { Table } = Object(answer);
      return name === "DescribeTable" ? { Table: { ...Table, TableStatus: "CREATING" } } : answer;
    });

    await expect(createDynamodbStore({ table, client })).rejects.toThrow("is CREATING. Wait until it is ACTIVE.");
  });

  it("names the template where the role may not make a table", async () => {
    const table = tables.newTable();
    const client = interceptClient(tables.client, ({ name }, call) =>
      name === "CreateTable" ? Promise.reject(aServiceError("AccessDeniedException")) : call(),
    );

    const opening = createDynamodbStore({ table, client, createTables: true });

    await expect(opening).rejects.toMatchObject({ code: "CONFIG_INVALID", cause: { name: "AccessDeniedException" } });
    await expect(opening).rejects.toThrow(/CloudFormation template/);
  });

  it("refuses a table with another key, and says which one it must have", async () => {
    const table = tables.newTable();
    await tables.client.send(new CreateTableCommand({ ...toWorkTable(table), TableName: table }));
    await tables.client.send(new CreateTableCommand({ ...toStacksTable(`${table}-work`) }));

    const opening = createDynamodbStore({ table, client: tables.client });

    await expect(opening).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    await expect(opening).rejects.toThrow(
      `The key of the table "${table}" is pk (HASH), sk (RANGE); it must be id (HASH).`,
    );
    await expect(opening).rejects.toThrow(`"${table}-work" is id (HASH); it must be pk (HASH), sk (RANGE).`);
    await expect(opening).rejects.toThrow(`"${table}-work" has no index "sweep"`);
  });

  it("lists everything that is wrong with the options at once", async () => {
    const opening = createDynamodbStore({ table: "a b", workTable: "a b", endpoint: "nowhere" });

    await expect(opening).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    await expect(opening).rejects.toThrow(
      /not a valid table name[\s\S]*two tables[\s\S]*`endpoint` is not a valid URL/,
    );
  });

  it("says what to grant when it may not look at a table", async () => {
    const error = aServiceError("AccessDeniedException", "not authorized to perform: dynamodb:DescribeTable");
    const client = interceptClient(tables.client, () => Promise.reject(error));

    const opening = createDynamodbStore({ table: "stacks", client });

    await expect(opening).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await expect(opening).rejects.toThrow(/dynamodb:DescribeTable.*Grant the role/);
  });

  it("says so when nothing answers", async () => {
    const credentials = { accessKeyId: "a", secretAccessKey: "b" };
    process.env["AWS_ACCESS_KEY_ID"] = credentials.accessKeyId;
    process.env["AWS_SECRET_ACCESS_KEY"] = credentials.secretAccessKey;

    const opening = createDynamodbStore({ table: "stacks", region: "eu-central-1", endpoint: "http://127.0.0.1:1" });

    await expect(opening).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  });
});

describe("closing a store", () => {
  it("waits for calls in progress, and does not destroy a client that was passed in", async () => {
    const store = await tables.open();
    const commit = store.commit([aPut()]);

    await store.close();

    expect((await commit)[0]?.kind).toBe("committed");
    await tables.open();
  });
});
