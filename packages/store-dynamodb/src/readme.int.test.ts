import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DynamodbVariables, formatVariableTable } from "@stackyard/core/environment";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDynamodbStore, DynamodbStoreOptions } from "./create-store.ts";
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

  it("lists the options and variables as their schemas describe them", () => {
    expect(readme).toContain(formatVariableTable(DynamodbStoreOptions, "option"));
    expect(readme).toContain(formatVariableTable(DynamodbVariables));
  });
});
