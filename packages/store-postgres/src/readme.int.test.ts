import { readFileSync } from "node:fs";
import { join } from "node:path";
import { formatVariableTable, PostgresVariables } from "@stackyard/core/environment";
import { expect, it } from "vitest";
import { PostgresStoreOptions } from "./store-options.ts";

const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");

it("the README lists the options and variables as their schemas describe them", () => {
  expect(readme).toContain(formatVariableTable(PostgresStoreOptions, "option"));
  expect(readme).toContain(formatVariableTable(PostgresVariables));
});
