import { silentLogger } from "@stackyard/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createStore } from "./create-store.ts";
import { startTestTables, type TestTables } from "./testing/test-tables.ts";

let tables: TestTables;
beforeAll(async () => {
  tables = await startTestTables();
  process.env["AWS_ACCESS_KEY_ID"] = "test";
  process.env["AWS_SECRET_ACCESS_KEY"] = "test";
});
afterAll(() => tables.stop());

describe("createStore", () => {
  const context = { environment: {}, logger: silentLogger, migrate: true };

  it("opens the tables that the configuration names, else those of the environment", async () => {
    const options = { endpoint: tables.endpoint, region: "eu-central-1", createTables: true };
    const environment = { DYNAMODB_TABLE: tables.newTable(), DYNAMODB_WORK_TABLE: tables.newTable() };

    const named = await createStore({ ...options, table: tables.newTable() }, { ...context, environment });
    const found = await createStore(options, { ...context, environment });

    expect(named.tables.stacks).not.toBe(environment.DYNAMODB_TABLE);
    expect(named.tables.work).toBe(environment.DYNAMODB_WORK_TABLE);
    expect(found.tables).toEqual({ stacks: environment.DYNAMODB_TABLE, work: environment.DYNAMODB_WORK_TABLE });
    await Promise.all([named.close(), found.close()]);
  });

  it("does not read the variable of a table that the configuration names", async () => {
    const options = { endpoint: tables.endpoint, region: "eu-central-1", createTables: true, table: tables.newTable() };
    const environment = { DYNAMODB_TABLE: "two words" };

    const store = await createStore(options, { ...context, environment });

    expect(store.tables.stacks).toBe(options.table);
    await store.close();
    const { table: _, ...unnamed } = options;
    await expect(createStore(unnamed, { ...context, environment })).rejects.toThrow(/DYNAMODB_TABLE/);
  });

  it("makes no table for those who only look", async () => {
    const options = { endpoint: tables.endpoint, region: "eu-central-1", createTables: true, table: tables.newTable() };

    await expect(createStore(options, { ...context, migrate: false })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
    });
  });

  it("refuses options that it does not know, and lists those that there are", async () => {
    const opening = createStore({ table: 1, tables: "x" }, context);

    await expect(opening).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    await expect(opening).rejects.toThrow(/table must be text.*Valid options: table, workTable, region/);
  });

  it("says how a table is named", async () => {
    await expect(createStore({}, context)).rejects.toThrow(/DYNAMODB_TABLE/);
  });
});
