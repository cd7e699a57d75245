import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDynamodbStore, type DynamodbStoreOptions } from "./create-store.ts";
import { startTestTables, type TestTables } from "./testing/test-tables.ts";

let tables: TestTables;
beforeAll(async () => {
  tables = await startTestTables();
});
afterAll(() => tables.stop());

const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");

describe("the README", () => {
  it("shows an example that runs", async () => {
    const [, example = ""] = /```ts\n\/\/ file: example\.ts\n[^\n]*\n([\s\S]*?)```/.exec(readme) ?? [];
    const printed: unknown[] = [];
    const open = (options: DynamodbStoreOptions) => createDynamodbStore({ ...options, client: tables.client });
    const run = new Function("createDynamodbStore", "console", `return (async () => {${example}})()`);

    await run(open, { log: (value: unknown) => printed.push(value) });

    expect(printed).toEqual([["event"]]);
  });

  it("lists every option", () => {
    const options: Required<{ [Name in keyof DynamodbStoreOptions]: true }> = {
      table: true,
      workTable: true,
      client: true,
      region: true,
      endpoint: true,
      createTables: true,
      logger: true,
      clock: true,
      random: true,
    };
    const [, table = ""] = /## Options\n([\s\S]*?)## /.exec(readme) ?? [];

    const listed = [...table.matchAll(/^\| `(\w+)` \|/gm)].map((row) => row[1]);

    expect(listed).toEqual(Object.keys(options));
  });
});
